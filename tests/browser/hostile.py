"""Texts that would do harm, or look like something else, where a page reads them as more than text."""


def hostile_texts(canary: str) -> list[str]:
    """canary: an address that must never be asked for."""
    image, page = f"{canary}/i.png", f"{canary}/page"
    return [
        f"![x]({image})",
        f"![x][1]\n\n[1]: {image}",
        f"[click]({page})",
        "[click](javascript:alert(1))",
        f"<{page}>",
        f"{page} bare address",
        f"<img src={image}>",
        f"<img src=x onerror=fetch('{image}')>",
        f"<svg onload=fetch('{image}')><image href='{image}'/></svg>",
        f"<script>fetch('{image}')</script>",
        f"<iframe src='{page}'></iframe>",
        f"<meta http-equiv=refresh content='0;url={page}'>",
        f"<link rel=stylesheet href='{canary}/s.css'>",
        f"<style>body{{background:url({image})}}</style>",
        f"<details open ontoggle=fetch('{image}')>x</details>",
        f"<a href='{page}' target=_top>a link</a>",
        f"<video poster={image} src={canary}/v.mp4>",
        f"<object data='{page}'></object>",
        f"<form action='{page}'><input autofocus onfocus=this.form.submit()></form>",
        f"<base href='{canary}/'>",
        "</div></div></body></html>",
        "<!-- comment",
        "<b>bold</b> &amp; &lt;i&gt; &#60;u&#62;",
        ":material/home: :smile: :red[red] :blue-background[x]",
        "$\\frac{1}{0}$ $$x^2$$ \\(y\\)",
        f"$\\href{{{page}}}{{x}}$ $\\includegraphics{{{image}}}$",
        "%{x} %{customdata[0]} %{y:,} <extra>evil</extra>",
        "${alert(1)} {{7*7}} {% raw %} #{x}",
        "# heading\n- list\n> quote\n```code",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "~~strike~~ **bold** *it* `code` __u__ -> <- -- (c)",
        "\u202egnp.exe\u202c turned",
        "\u2067right\u2069 \u05d0\u05d1\u05d2 \u0627\u0644\u0639\u0631\u0628\u064a\u0629",
        "zalgo Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334 zero\u200bwidth\u00adsoft",
        "nul \x01\x02\x1b[31mred\x1b[0m \x7f\x85",
        "line\u2028separator\u2029paragraph\r\nend",
        "'; DROP TABLE pairs; -- \" ' `",
        "=1+1 +1 -1 @SUM(A1) \tcell",
        "../../../etc/passwd file:///etc/passwd \\\\host\\share",
        "data:text/html,<script>alert(1)</script>",
        "👩‍👩‍👧‍👦 𝒻𝒶𝓃𝒸𝓎 \U0001f4a9 \ufffd \ufeffbom",
        "__proto__ constructor toString [object Object] null undefined NaN",
    ]


def hostile_captions(canary: str) -> list[str]:
    """Those texts and what grows from them: every tag, handler, scheme and template in turn."""
    image, page = f"{canary}/i.png", f"{canary}/page"
    run = f"fetch('{image}');window.pwned=1"
    handlers = [
        f"<{tag} on{event}={run}>"
        for tag, event in [
            ("img src=x", "error"), ("body", "load"), ("svg", "load"), ("input autofocus", "focus"),
            ("select autofocus", "focus"), ("textarea autofocus", "focus"), ("video src=x", "error"),
            ("audio src=x", "error"), ("details open", "toggle"), ("marquee", "start"), ("div", "mouseover"),
            ("iframe", "load"), ("object data=x", "error"), ("style", "load"),
            ("link rel=stylesheet href=x", "error"), ("math", "click"),
            ("button popovertarget=x", "beforetoggle"), ("a href=x", "focus"),
        ]
    ]  # fmt: skip
    fetched = [
        f"<{tag}={to}>"
        for tag, to in [
            ("iframe src", page), ("embed src", page), ("object data", page), ("frame src", page),
            ("img srcset", image), ("input type=image src", image), ("audio src", page), ("track src", page),
            ("body background", image),
            ("table background", image), ("link rel=icon href", image), ("link rel=prefetch href", page),
            ("link rel=preload as=image href", image), ("link rel=dns-prefetch href", page), ("script src", page),
            ("script type=module src", page), ("svg><use href", f"{page}#x"), ("svg><image href", image),
            ("picture><source srcset", image), ("a ping", page), ("portal src", page),
            ("base target=_top href", page),
        ]
    ]  # fmt: skip
    links = [
        f"[click]({scheme})"
        for scheme in (
            "JaVaScRiPt:window.pwned=1", "java\tscript:window.pwned=1", "&#106;avascript:window.pwned=1",
            "javascript&colon;window.pwned=1", "data:text/html,<script>window.pwned=1</script>", "vbscript:x",
            canary.removeprefix("http:"), "\\\\127.0.0.1\\x", f"<{page}>", f'{page} "title"', "file:///etc/passwd",
        )
    ]  # fmt: skip
    images = [
        f"{before}![{alt}]({image}{after})"
        for before, alt, after in [
            ("", "", ""), ("a dog ", "a", ""), ("", "a", "?q=%22"), ("", "a", ' "t"'), ("- ", "a", ""),
            ("> ", "a", ""), ("# ", "a", ""), ("**", "a", "**"), ("| a |\n|---|\n| ", "a", ""),
            ("1. ", "a", ""), ("a\n\n", "a", ""),
            (":red[", "a", ""), ("[", "a", ""), ("~~", "a", "~~"), ("`` ` ``", "a", ""), ("\\\n", "a", ""),
            (":small[", "a", ""), ("$x$ ", "a", ""), ("", "![a]", ""), ("\u202e", "a", ""), ("&nbsp;", "a", ""),
        ]
    ]  # fmt: skip
    templates = [
        f"%{{x:{image}}}", "%{text}", "%{meta[0]}", "%{fullData.name}", "%{label}<extra></extra>",
        f"<a href='{page}' target='_top'>x</a>", f'<a href="{page}" style="position:fixed;inset:0">x</a>',
        "<span style='color:red'>x</span><br><i>x</i><sub>x</sub>", "{0} {x} {{x}} %s %(x)s $x ${x}",
        "\\n \\u003cb\\u003e",
        "<b>", "</", "<", ">", "&", "&lt;", "&#x3c;img src=x&#x3e;", "]]>", "<![CDATA[x]]>", "<?xml version='1.0'?>",
        "<!DOCTYPE html>", "<plaintext>", "<xmp>",
        "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
        "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>", "<svg><style><img src=x onerror=1>",
        "<template><img src=x></template>", "<form id=test><input name=attributes>",
        "<a id=document><a id=document name=x>",
    ]  # fmt: skip
    streamlit = [
        ":material/home:", ":streamlit:", ":rainbow[x]", ":red-badge[x]", ":small[x]", ":shortcut[x]",
        ":blue[![x](" + image + ")]",
        "$$\\href{" + page + "}{x}$$", "$\\url{" + page + "}$", "\\(\\includegraphics{" + image + "}\\)",
        "```mermaid\ngraph TD; A-->B; click A href '" + page + "'\n```", "```html\n<img src=" + image + ">\n```",
        "~~~\n![x](" + image + ")",
        "[^1]\n\n[^1]: " + page, "[ref]\n\n[ref]: " + page, "<!-- ![x](" + image + ") -->",
        "www." + canary.removeprefix("http://"), "me@" + canary.removeprefix("http://"),
        "mailto:me@example.org", "- [ ] todo",
    ]  # fmt: skip
    scripts = [
        "a\u0300" * 40, "\u202e\u2066\u2067\u2068abc\u2069", "\u200b" * 30 + "x", "\ufeff",
        "\u00ad" * 20, "\U000e0041\U000e0042",
        "\u3164 \u115f \u2800", "ﷺ" * 10, "👨\u200d👩\u200d👧" * 5, "\t\t\t",
        "x" * 5000, "a" + " b" * 2000, "\x7f\x80\x9f", "\x1b]0;x\x07",
        "null", "None", "NaN", "true", "0", "-1", "1e400", "[]", "{}", '"', "'", "\\", "/", "%00", "..", ".",
    ]  # fmt: skip
    both = [*hostile_texts(canary), *handlers, *fetched, *links, *images, *templates, *streamlit, *scripts]
    return list(dict.fromkeys(both))


def hostile_urls(canary: str) -> list[str]:
    """Addresses that no browser of a viewer may ask for, and no server open."""
    outside = canary.removeprefix("http:")
    return [
        f"{canary}/i.png", outside + "/i.png", f"{canary}/redirect", f"http://user:pw@{outside[2:]}/i.png",
        f"http:{outside[2:]}/i.png", f"\\\\{outside[2:]}\\i.png", f"{canary}/i.svg", f"{canary}/i.png?x=<script>",
        f"HTTP:{outside}/i.png", f" {canary}/i.png", f"{canary}/i.png#![x]({canary}/j.png)",
        "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:8888/api/shutdown", "http://[::1]:1/x",
        "file:///etc/passwd", "/etc/passwd", "../../../../etc/passwd", "ftp://127.0.0.1/x",
            "javascript:window.pwned=1",
        "data:text/html,<script>window.pwned=1</script>", "data:image/svg+xml,<svg onload=window.pwned=1>",
        "blob:http://127.0.0.1/x", "about:blank", "", "\x00", "http://", "x" * 5000,
    ]  # fmt: skip


def hostile_names(canary: str) -> list[str]:
    """Names of runs, metadata, views, classes and files that try to be more than names."""
    paths = [
        "..", ".", "../x", "../../etc/passwd", "/etc/passwd", "//x", "a/b", "a\\b", "C:\\x", "~", "~root", "$HOME",
        "./x", "x/..", ".hidden", "x/", "x\x00y", "\x00", "con", "nul.txt", "COM1", "x:stream", "x?", "x*",
        "x|y", "x<y>z",
        "-rf", "--help", "-o/tmp/x", "$(touch x)", "`touch x`", "; touch x", "&& touch x", "| touch x", "'x'",
            '"x"', "%2e%2e%2f",
        "..%2f..%2fx", "\u2024\u2024/x", "．．／x", "x\ny", "x\r\ny: z", "x\ty", " ", "  x  ", "", "\u00a0",
        "\u200b", "\ufeffx",
        "e\u0301", "\u00e9", "X", "x", "ß", "ı", "name.json", "run.json", "lock", "pairs", "__pycache__",
        "x.parquet", "x" * 200,
        "\u00e9" * 150, "\U0001f4a9" * 60, "\u202egnp.x", "\u2066x\u2069", "\x1b[31mx", "\x07", "\x85", "\u2028x",
        "__proto__", "constructor", "null", "undefined", "NaN", "0", "true", "[object Object]",
        "'; DROP TABLE pairs; --",
        "' OR 1=1 --", "x');--", "{{7*7}}", "{x}", "%s%s%n", "=1+1", "@SUM(A1)", "\udc80 not utf-8",
    ]  # fmt: skip
    image = f"{canary}/i.png"
    marks = [
        f"![x]({image})",
        f"<img src={image}>",
        f"[x]({image})",
        f"<script>fetch('{image}')</script>",
        ":material/home: **x**",
    ]
    return list(dict.fromkeys([*paths, *marks]))


STRANGERS = """() => {
    const all = [...document.body.querySelectorAll("*")]
    for (const one of all) if (one.shadowRoot) all.push(...one.shadowRoot.querySelectorAll("*"))
    const tags = "iframe, frame, object, embed, base, meta, script, form[action], marquee, portal", found = []
    for (const one of all) {
        if (one.matches(tags)) found.push(one.outerHTML)
        for (const name of ["href", "src", "srcset", "background", "poster", "data", "action", "ping", "xlink:href"]) {
            const to = one.getAttribute(name)
            if (to === null || to === "" || /^(data:image\\/|blob:|#)/.test(to)) continue
            if (new URL(to, location.href).origin !== location.origin) found.push(one.outerHTML)
        }
        for (const name of one.getAttributeNames()) if (/^on/i.test(name)) found.push(one.outerHTML)
    }
    if (document.querySelector(".hoverlayer :is(a, image)")) found.push(document.querySelector(".hoverlayer").innerHTML)
    if (window.pwned) found.push("a script ran")
    return found.map((html) => html.slice(0, 300))
}"""
"""Run in a page: the elements that cannot be ours, or lead or listen where ours do not."""
