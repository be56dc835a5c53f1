// What Python packed of a run (live_data.py), unpacked once in a tab, for all charts that show it.
const runs = new Map() // version -> {run: a promise of it, found: what fulfils it, unpacked: whether it is about to be}

function slot(version) {
  if (!runs.has(version)) {
    let found
    const run = new Promise((resolve) => (found = resolve))
    runs.set(version, { run, found, unpacked: false })
    if (runs.size > 3) runs.delete(runs.keys().next().value)
  }
  return runs.get(version)
}

function receive(bytes) {
  const version = new TextDecoder().decode(bytes.subarray(0, 16))
  const { found, unpacked } = slot(version)
  if (unpacked) return
  slot(version).unpacked = true
  unpack(bytes.subarray(16)).then(found)
}

async function unpack(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))
  const plain = await new Response(stream).arrayBuffer()
  const start = 4 + new DataView(plain).getUint32(0, true)
  const run = JSON.parse(new TextDecoder().decode(plain.slice(4, start)))
  const cells = run.t.length * run.rank.length
  // four planes of bytes: of the differences from one t to the next
  const planes = new Uint8Array(plain, start, 4 * cells)
  run.all_kept = new Uint32Array(cells)
  for (let i = 0; i < cells; i++) {
    const more = planes[i] | (planes[i + cells] << 8) | (planes[i + 2 * cells] << 16) | (planes[i + 3 * cells] << 24)
    run.all_kept[i] = more + (i < run.rank.length ? 0 : run.all_kept[i - run.rank.length])
  }
  run.all_shares = new Uint16Array(plain.slice(start + 4 * cells))
  return run
}

// what is shown at a row of the grid; Python says the same of a t between the rows
const NUMBERS = [
  "t", "kept", "expected", "sigma", "tail_share", "kept_tail_share", "entries_covered", "entries_at_cap", "head",
  "head_matches",
]

function look(run, row) {
  const found = { row }
  for (const name of NUMBERS) found[name] = run[name][row]
  const R = run.rank.length, K = run.summed.length
  found.entry_kept = run.all_kept.subarray(row * R, (row + 1) * R)
  found.kept_share = run.all_shares.subarray(row * K, (row + 1) * K)
  return found
}

// the first place in ascending values that is not below one
function place(values, value) {
  let low = 0, high = values.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (values[middle] < value) low = middle + 1
    else high = middle
  }
  return low
}

function nearest(values, value) {
  const above = Math.min(place(values, value), values.length - 1)
  if (above && Math.log(value / values[above - 1]) < Math.log(values[above] / value)) return above - 1
  return above
}
