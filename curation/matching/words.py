"""Machine words and vectors for compiled code: a few instructions of LLVM that numba has no name for.

Addresses are uint64, as `array.ctypes.data` gives them. Whoever loads from one keeps the array alive, and knows that
the bytes are there: nothing is checked.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 64
"""Bytes that `block_mask` looks at together: one AVX-512 register, two of AVX2; LLVM splits as the processor needs."""

_i1, _i8, _i32, _i64 = (ir.IntType(bits) for bits in (1, 8, 32, 64))
_block = ir.VectorType(_i8, LANES)


@intrinsic
def load64(typing: Any, address: Any) -> Any:
    """The 8 bytes at an address as a little-endian word, aligned or not."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load(builder.inttoptr(arguments[0], _i64.as_pointer()), align=1)

    return types.uint64(types.uint64), generate


@intrinsic
def prefetch(typing: Any, address: Any) -> Any:
    """Ask for the cache line of an address, and go on; any address is harmless."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _i8.as_pointer()
        kind = ir.FunctionType(ir.VoidType(), [pointer, _i32, _i32, _i32])
        instruction = builder.module.declare_intrinsic("llvm.prefetch", (pointer,), kind)
        builder.call(instruction, [builder.inttoptr(arguments[0], pointer), _i32(0), _i32(3), _i32(1)])
        return context.get_dummy_value()

    return types.void(types.uint64), generate


@intrinsic
def lowest_bit(typing: Any, word: Any) -> Any:
    """The number of the lowest bit that is set; the word is not 0."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], ir.Constant(_i1, 1))

    return types.uint64(types.uint64), generate


def _smaller_of(lanes: int) -> Any:
    """A compiled function: (address, value, valid) -> how many of those int32 there are smaller whose bit is valid."""
    vector, bits = ir.VectorType(_i32, lanes), ir.IntType(lanes)

    @intrinsic
    def smaller(typing: Any, address: Any, value: Any, valid: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            block = builder.load(builder.inttoptr(arguments[0], vector.as_pointer()), align=1)
            one = builder.insert_element(ir.Constant(vector, ir.Undefined), arguments[1], _i32(0))
            all_lanes = builder.shuffle_vector(one, one, ir.Constant(vector, [0] * lanes))
            found = builder.bitcast(builder.icmp_signed("<", block, all_lanes), bits)
            if lanes < 64:
                found = builder.zext(found, _i64)
            return builder.ctpop(builder.and_(found, arguments[2]))

        return types.int64(types.uint64, types.int32, types.uint64), generate

    return smaller


smaller_of_16, smaller_of_64 = _smaller_of(16), _smaller_of(64)


def block_mask(chars: str) -> Any:
    """A compiled function: address -> 64-bit mask, which of the 64 bytes from there are one of `chars` (ASCII)."""

    @intrinsic
    def mask(typing: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            block = builder.load(builder.inttoptr(arguments[0], _block.as_pointer()), align=1)
            found = ir.Constant(ir.VectorType(_i1, LANES), [0] * LANES)
            for char in chars:
                found = builder.or_(found, builder.icmp_unsigned("==", block, _splat(char)))
            return builder.bitcast(found, _i64)

        return types.uint64(types.uint64), generate

    return mask


def _splat(char: str) -> ir.Constant:
    return ir.Constant(_block, [ir.Constant(_i8, ord(char))] * LANES)
