# SPDX-License-Identifier: GPL-2.0
"""Arithmetic: each operation on numbers that are likely to go wrong, and what must come out."""

import random

from programs import DATA_BASE, M32, M64, signed

PROGRAMS = []
EDGES = (0, 1, 2, 31, 32, 33, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFF,
         0x800000, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFF8000, M32 - 1, M32)


def program(**options):
    def add(function):
        PROGRAMS.append((function, options))
        return function
    return add


def numbers_for(seed, count, bits):
    source = random.Random(seed)
    out = []
    for _ in range(count):
        kind = source.random()
        number = source.choice(EDGES) if kind < 0.6 else source.getrandbits(source.choice((6, 32)))
        if bits == 64:
            number |= (source.choice(EDGES) if kind < 0.5 else source.getrandbits(32)) << 32
        out.append(number)
    return out


def low(value, bits):
    return value & ((1 << bits) - 1)


def first_one(value):
    return (value & -value).bit_length() - 1 if value else M32


def leading_zeros(value, bits=32):
    return bits - value.bit_length() if value else M32


def sign_length(value, bits=32):
    value = low(value, bits)
    if value in (0, (1 << bits) - 1):
        return M32
    same = value if not value >> (bits - 1) else ~value & ((1 << bits) - 1)
    return bits - same.bit_length()


def reverse(value, bits=32):
    return int(f"{value:0{bits}b}"[::-1], 2)


def field(value, offset, width, bits, is_signed):
    if not width:
        return 0
    if not is_signed:
        return value >> offset & ((1 << width) - 1)
    width = min(width, bits - offset)
    return signed(value >> offset, width)


def permute(a, b, selectors):
    both = (a << 32 | b).to_bytes(8, "little")
    out = []
    for selector in selectors.to_bytes(4, "little"):
        if selector < 8:
            out.append(both[selector])
        elif selector < 12:
            out.append(0xFF if both[2 * (selector - 8) + 1] & 0x80 else 0)
        else:
            out.append(0 if selector == 12 else 0xFF)
    return int.from_bytes(bytes(out), "little")


def ordered(*values):
    return sorted(values)


def saturate(value, least, most):
    return min(max(value, least), most)


s24, s16 = (lambda v: signed(v, 24)), (lambda v: signed(v, 16))
u24, u16 = (lambda v: v & 0xFFFFFF), (lambda v: v & 0xFFFF)

# What a vector operation computes from its sources, by its earliest name; then those that came
# with a generation.
VECTOR = {
    "v_mov_b32 A": lambda a: a,
    "v_not_b32 A": lambda a: ~a,
    "v_bfrev_b32 A": reverse,
    "v_ffbh_u32 A": leading_zeros,
    "v_ffbl_b32 A": first_one,
    "v_ffbh_i32 A": sign_length,
    "v_add_u32 A B": lambda a, b: a + b,
    "v_sub_u32 A B": lambda a, b: a - b,
    "v_subrev_u32 A B": lambda a, b: b - a,
    "v_mul_i32_i24 A B": lambda a, b: s24(a) * s24(b),
    "v_mul_hi_i32_i24 A B": lambda a, b: s24(a) * s24(b) >> 32,
    "v_mul_u32_u24 A B": lambda a, b: u24(a) * u24(b),
    "v_mul_hi_u32_u24 A B": lambda a, b: u24(a) * u24(b) >> 32,
    "v_min_i32 A B": lambda a, b: min(signed(a), signed(b)),
    "v_max_i32 A B": lambda a, b: max(signed(a), signed(b)),
    "v_min_u32 A B": min,
    "v_max_u32 A B": max,
    "v_lshrrev_b32 A B": lambda a, b: b >> (a & 31),
    "v_ashrrev_i32 A B": lambda a, b: signed(b) >> (a & 31),
    "v_lshlrev_b32 A B": lambda a, b: b << (a & 31),
    "v_and_b32 A B": lambda a, b: a & b,
    "v_or_b32 A B": lambda a, b: a | b,
    "v_xor_b32 A B": lambda a, b: a ^ b,
    "v_mul_lo_u32 A B": lambda a, b: a * b,
    "v_mul_hi_u32 A B": lambda a, b: a * b >> 32,
    "v_mul_hi_i32 A B": lambda a, b: signed(a) * signed(b) >> 32,
    "v_bcnt_u32_b32 A B": lambda a, b: a.bit_count() + b,
    "v_bfm_b32 A B": lambda a, b: ((1 << (a & 31)) - 1) << (b & 31),
    "v_add_i32 A B": lambda a, b: a + b,
    "v_sub_i32 A B": lambda a, b: a - b,
    "v_cvt_pk_i16_i32 A B": lambda a, b: u16(saturate(signed(a), -0x8000, 0x7FFF)) |
    u16(saturate(signed(b), -0x8000, 0x7FFF)) << 16,
    "v_cvt_pk_u16_u32 A B": lambda a, b: min(a, 0xFFFF) | min(b, 0xFFFF) << 16,
    "v_mad_i32_i24 A B C": lambda a, b, c: s24(a) * s24(b) + c,
    "v_mad_u32_u24 A B C": lambda a, b, c: u24(a) * u24(b) + c,
    "v_mad_u32_u16 A B C": lambda a, b, c: u16(a) * u16(b) + c,
    "v_mad_i32_i16 A B C": lambda a, b, c: s16(a) * s16(b) + c,
    "v_bfe_u32 A B C": lambda a, b, c: field(a, b & 31, c & 31, 32, False),
    "v_bfe_i32 A B C": lambda a, b, c: field(a, b & 31, c & 31, 32, True),
    "v_bfi_b32 A B C": lambda a, b, c: a & b | ~a & c,
    "v_alignbit_b32 A B C": lambda a, b, c: (a << 32 | b) >> (c & 31),
    "v_alignbyte_b32 A B C": lambda a, b, c: (a << 32 | b) >> 8 * (c & 3),
    "v_min3_i32 A B C": lambda a, b, c: min(signed(a), signed(b), signed(c)),
    "v_min3_u32 A B C": min,
    "v_max3_i32 A B C": lambda a, b, c: max(signed(a), signed(b), signed(c)),
    "v_max3_u32 A B C": max,
    "v_med3_i32 A B C": lambda a, b, c: ordered(signed(a), signed(b), signed(c))[1],
    "v_med3_u32 A B C": lambda a, b, c: ordered(a, b, c)[1],
    "v_sad_u32 A B C": lambda a, b, c: abs(a - b) + c,
    "v_perm_b32 A B C": permute,
    "v_add3_u32 A B C": lambda a, b, c: a + b + c,
    "v_lshl_add_u32 A B C": lambda a, b, c: (a << (b & 31)) + c,
    "v_add_lshl_u32 A B C": lambda a, b, c: (a + b) << (c & 31),
    "v_lshl_or_b32 A B C": lambda a, b, c: a << (b & 31) | c,
    "v_and_or_b32 A B C": lambda a, b, c: a & b | c,
    "v_or3_b32 A B C": lambda a, b, c: a | b | c,
    "v_xad_u32 A B C": lambda a, b, c: (a ^ b) + c,
}
VECTOR_LATER = {
    (10, "v_xor3_b32 A B C"): lambda a, b, c: a ^ b ^ c,
    (10, "v_xnor_b32 A B"): lambda a, b: ~(a ^ b),
    (11, "v_maxmin_i32 A B C"): lambda a, b, c: min(max(signed(a), signed(b)), signed(c)),
    (11, "v_maxmin_u32 A B C"): lambda a, b, c: min(max(a, b), c),
    (11, "v_minmax_i32 A B C"): lambda a, b, c: max(min(signed(a), signed(b)), signed(c)),
    (11, "v_minmax_u32 A B C"): lambda a, b, c: max(min(a, b), c),
    (11, "v_cvt_i32_i16 A"): s16,
    (11, "v_cvt_u32_u16 A"): u16,
}
# What is above their 16 bits was 0x5a5a before.
VECTOR16 = {
    "v_add_u16 A B": lambda a, b: a + b,
    "v_sub_u16 A B": lambda a, b: a - b,
    "v_mul_lo_u16 A B": lambda a, b: a * b,
    "v_lshlrev_b16 A B": lambda a, b: u16(b) << (a & 15),
    "v_lshrrev_b16 A B": lambda a, b: u16(b) >> (a & 15),
    "v_ashrrev_i16 A B": lambda a, b: s16(b) >> (a & 15),
    "v_max_u16 A B": lambda a, b: max(u16(a), u16(b)),
    "v_max_i16 A B": lambda a, b: max(s16(a), s16(b)),
    "v_min_u16 A B": lambda a, b: min(u16(a), u16(b)),
    "v_min_i16 A B": lambda a, b: min(s16(a), s16(b)),
}
COMPARE = {"lt": lambda a, b: a < b, "eq": lambda a, b: a == b, "le": lambda a, b: a <= b,
           "gt": lambda a, b: a > b, "ne": lambda a, b: a != b, "ge": lambda a, b: a >= b}


def operands(p, seed, bits):
    """a, b and c in v[10:11], v[12:13] and v[14:15]."""
    values = [numbers_for(f"{seed} {p.lanes} {index}", len(p.items), bits) for index in range(3)]
    for index, column in enumerate(values):
        p.put(0x1000 * index, [number & M32 for number in column])
        p.put(0x1000 * index + 0x800, [number >> 32 for number in column])
        p.asm(f"""
            v_add_u32 v2, 0x{0x1000 * index:x}, v1
            global_load_dword v{10 + 2 * index}, v2, s[0:1]
            v_add_u32 v2, 0x{0x1000 * index + 0x800:x}, v1
            global_load_dword v{11 + 2 * index}, v2, s[0:1]
            wait
        """)
    return list(zip(*values))


def calculate(p, operation, function, rows, prefix="v20"):
    name, *sources = operation.split()
    places = {"A": "v10", "B": "v12", "C": "v14"}
    p.asm(f"{name} {prefix}, {', '.join(places[source] for source in sources)}")
    return [function(*row[:len(sources)]) for row in rows]


@program()
def vector32(p):
    """vector operations of 32 bits"""
    rows = operands(p, 1, 32)
    table = {**VECTOR, **{name: function for (since, name), function in VECTOR_LATER.items()
                          if p.generation >= since}}
    for operation, function in table.items():
        p.store("v20", calculate(p, operation, function, rows))


@program()
def vector16(p):
    """vector operations of 16 bits: GFX 9 clears the upper half, later ones leave it"""
    rows = operands(p, 2, 32)
    upper = 0 if p.generation == 9 else 0x5A5A0000
    for operation, function in VECTOR16.items():
        p.asm("v_mov_b32 v20, 0x5a5a5a5a")
        values = calculate(p, operation, function, rows)
        p.store("v20", [upper | value & 0xFFFF for value in values])


@program()
def vector64(p):
    """vector operations of 64 bits, and carries out of them"""
    rows = operands(p, 3, 64)
    for text, function in (
            ("v_lshlrev_b64 v[20:21], v12, v[10:11]", lambda a, b, c: a << (b & 63)),
            ("v_lshrrev_b64 v[20:21], v12, v[10:11]", lambda a, b, c: a >> (b & 63)),
            ("v_ashrrev_i64 v[20:21], v12, v[10:11]", lambda a, b, c: signed(a, 64) >> (b & 63)),
            ("v_mad_u64_u32 v[20:21], {m8}, v10, v12, v[14:15]",
             lambda a, b, c: (a & M32) * (b & M32) + c),
            ("v_mad_i64_i32 v[20:21], {m10}, v10, v12, v[14:15]",
             lambda a, b, c: signed(a) * signed(b) + signed(c, 64))):
        p.asm(text)
        values = [function(*row) for row in rows]
        p.store("v20", [value & M32 for value in values])
        p.store("v21", [value >> 32 & M32 for value in values])
        if "mad" in text:
            mask = "{m8}" if "u64" in text else "{m10}"
            p.asm(f"v_cndmask_b32 v22, 0, 1, {mask}")
            p.store("v22", [value >> 64 & 1 for value in values])
    if p.processor == "gfx942":
        p.asm("v_lshl_add_u64 v[20:21], v[10:11], 3, v[14:15]\nv_mov_b64 v[24:25], v[10:11]")
        values = [(a << 3) + c & M64 for a, b, c in rows]
        p.store("v20", [value & M32 for value in values])
        p.store("v21", [value >> 32 for value in values])
        p.store("v25", [a >> 32 for a, _, _ in rows])


@program()
def carries(p):
    """additions and subtractions with carries in and out"""
    rows = operands(p, 4, 32)
    p.asm("v_cmp_gt_u32 {m8}, v14, v10")
    chosen = [int(c > a) for a, b, c in rows]
    p.asm("v_cndmask_b32 v22, 0, 1, {m8}")
    p.store("v22", chosen)
    for name, function in (("v_add_co_u32", lambda a, b, x: a + b),
                           ("v_sub_co_u32", lambda a, b, x: a - b),
                           ("v_subrev_co_u32", lambda a, b, x: b - a),
                           ("v_addc_co_u32", lambda a, b, x: a + b + x),
                           ("v_subb_co_u32", lambda a, b, x: a - b - x),
                           ("v_subbrev_co_u32", lambda a, b, x: b - a - x)):
        carry = ", {m8}" if "c_" in name or "bb" in name else ""
        p.asm(f"{name} v20, {{m10}}, v10, v12{carry}")
        p.asm("v_cndmask_b32 v21, 0, 1, {m10}")
        values = [function(a, b, x) for (a, b, _), x in zip(rows, chosen)]
        p.store("v20", values)
        p.store("v21", [int(not 0 <= value <= M32) for value in values])


@program()
def comparisons(p):
    """all comparisons, into a mask and into EXEC"""
    rows = operands(p, 6, 64)
    for bits, kind in ((32, "i"), (32, "u"), (64, "i"), (64, "u"), (16, "i"), (16, "u")):
        a, b = ("v[10:11]", "v[12:13]") if bits == 64 else ("v10", "v12")
        for name, function in COMPARE.items():
            pairs = [(low(x, bits), low(y, bits)) for x, y, _ in rows]
            if kind == "i":
                pairs = [(signed(x, bits), signed(y, bits)) for x, y in pairs]
            p.asm(f"v_cmp_{name}_{kind}{bits} {{vcc}}, {a}, {b}\nv_cndmask_b32 v20, 0, 1, {{vcc}}")
            p.store("v20", [int(function(x, y)) for x, y in pairs])
    mask = "{vcc}, " if p.generation == 9 else ""
    p.asm(f"""
        v_mov_b32 v20, 0
        s_mov_{{b}} {{m8}}, {{exec}}
        v_cmpx_lt_i32 {mask}v10, v12
        v_mov_b32 v20, 1
        s_mov_{{b}} {{exec}}, {{m8}}
    """)
    p.store("v20", [int(signed(a) < signed(b)) for a, b, _ in rows])


# Scalar operations: what comes out, and the condition code, None if it stays.
def truth(function, bits=32):
    def both(a, b):
        value = low(function(a, b), bits)
        return value, int(value != 0)
    return both


def plain(function):
    return lambda a, b: (function(a, b), None)


def overflow(function):
    def both(a, b):
        value = function(signed(a), signed(b))
        return value, int(not -(1 << 31) <= value < 1 << 31)
    return both


def carry(function):
    return lambda a, b: (function(a, b), int(not 0 <= function(a, b) <= M32))


def scalar_tables(generation):
    both = {
        "s_add_u32": carry(lambda a, b: a + b),
        "s_sub_u32": carry(lambda a, b: a - b),
        "s_addc_u32": carry(lambda a, b: a + b + 1),
        "s_subb_u32": carry(lambda a, b: a - b - 1),
        "s_add_i32": overflow(lambda a, b: a + b),
        "s_sub_i32": overflow(lambda a, b: a - b),
        "s_min_i32": lambda a, b: (min(signed(a), signed(b)), int(signed(a) < signed(b))),
        "s_max_i32": lambda a, b: (max(signed(a), signed(b)), int(signed(a) > signed(b))),
        "s_min_u32": lambda a, b: (min(a, b), int(a < b)),
        "s_max_u32": lambda a, b: (max(a, b), int(a > b)),
        "s_cselect_b32": plain(lambda a, b: a),
        "s_and_b32": truth(lambda a, b: a & b),
        "s_or_b32": truth(lambda a, b: a | b),
        "s_xor_b32": truth(lambda a, b: a ^ b),
        "s_andn2_b32": truth(lambda a, b: a & ~b),
        "s_orn2_b32": truth(lambda a, b: a | ~b),
        "s_nand_b32": truth(lambda a, b: ~(a & b)),
        "s_nor_b32": truth(lambda a, b: ~(a | b)),
        "s_xnor_b32": truth(lambda a, b: ~(a ^ b)),
        "s_lshl_b32": truth(lambda a, b: a << (b & 31)),
        "s_lshr_b32": truth(lambda a, b: a >> (b & 31)),
        "s_ashr_i32": truth(lambda a, b: signed(a) >> (b & 31)),
        "s_bfm_b32": plain(lambda a, b: ((1 << (a & 31)) - 1) << (b & 31)),
        "s_bfe_u32": truth(lambda a, b: field(a, b & 31, b >> 16 & 127, 32, False)),
        "s_bfe_i32": truth(lambda a, b: field(a, b & 31, b >> 16 & 127, 32, True)),
        "s_mul_i32": plain(lambda a, b: a * b),
        "s_mul_hi_u32": plain(lambda a, b: a * b >> 32),
        "s_mul_hi_i32": plain(lambda a, b: signed(a) * signed(b) >> 32),
        "s_absdiff_i32": truth(lambda a, b: abs(signed(a - b))),
        "s_lshl1_add_u32": carry(lambda a, b: (a << 1) + b),
        "s_lshl4_add_u32": carry(lambda a, b: (a << 4) + b),
        "s_pack_ll_b32_b16": plain(lambda a, b: u16(a) | b << 16),
        "s_pack_lh_b32_b16": plain(lambda a, b: u16(a) | b & 0xFFFF0000),
        "s_pack_hh_b32_b16": plain(lambda a, b: a >> 16 | b & 0xFFFF0000),
    }
    one = {
        "s_mov_b32": lambda a: (a, None),
        "s_not_b32": lambda a: (~a, int(low(~a, 32) != 0)),
        "s_brev_b32": lambda a: (reverse(a), None),
        "s_bcnt0_i32_b32": lambda a: (32 - a.bit_count(), int(a != M32)),
        "s_bcnt1_i32_b32": lambda a: (a.bit_count(), int(a != 0)),
        "s_ff1_i32_b32": lambda a: (first_one(a), None),
        "s_flbit_i32_b32": lambda a: (leading_zeros(a), None),
        "s_flbit_i32": lambda a: (sign_length(a), None),
        "s_sext_i32_i8": lambda a: (signed(a, 8), None),
        "s_sext_i32_i16": lambda a: (s16(a), None),
        "s_abs_i32": lambda a: (abs(signed(a)), int(a != 0)),
        "s_wqm_b32": lambda a: (sum(15 << n for n in range(0, 32, 4) if a >> n & 15), int(a != 0)),
        "s_quadmask_b32": lambda a: (sum(1 << n for n in range(8) if a >> 4 * n & 15),
                                     int(a != 0)),
        "s_cmov_b32": lambda a: (a, None),
        "s_bitset1_b32": lambda a: (0x5A5A5A5A | 1 << (a & 31), None),
        "s_bitset0_b32": lambda a: (0x5A5A5A5A & ~(1 << (a & 31)), None),
    }
    if generation < 11:
        one["s_ff0_i32_b32"] = lambda a: (first_one(~a & M32), None)
    return both, one


def scalar_values(p, seed):
    """Numbers in s12 and s13; in s[14:15] those and others as 64 bits, and s[16:17]."""
    for a, b in zip(numbers_for(f"{seed} a", 5, 64), numbers_for(f"{seed} b", 5, 64)):
        p.asm(f"""
            s_mov_b32 s12, 0x{a & M32:x}
            s_mov_b32 s13, 0x{b & M32:x}
            s_mov_b32 s14, 0x{a & M32:x}
            s_mov_b32 s15, 0x{a >> 32:x}
            s_mov_b32 s16, 0x{b & M32:x}
            s_mov_b32 s17, 0x{b >> 32:x}
        """)
        yield a, b


def collect(p, register, values, value):
    """Scalar results go to one lane each of v30, and are stored when that is full."""
    p.asm(f"v_writelane_b32 v30, {register}, {len(values)}")
    values.append(value & M32)
    if len(values) == p.lanes:
        p.store("v30", list(values))
        values.clear()


def flush(p, values):
    """Fill up with a register whose value is known."""
    while values:
        collect(p, "s0", values, DATA_BASE)


@program()
def scalar32(p):
    """scalar operations of 32 bits and their condition codes"""
    both, one = scalar_tables(p.generation)
    values = []
    for a, b in scalar_values(p, 7):
        a, b = a & M32, b & M32
        for name, function in [*both.items(), *one.items()]:
            sources = "s12, s13" if name in both else "s12"
            # The condition code is 1 before.
            p.asm(f"""
                s_mov_b32 s18, 0x5a5a5a5a
                s_cmp_eq_u32 s18, s18
                {name} s18, {sources}
                s_cselect_b32 s19, 1, 0
            """)
            value, code = function(a, b) if name in both else function(a)
            collect(p, "s18", values, value)
            collect(p, "s19", values, 1 if code is None else code)
    flush(p, values)


@program()
def scalar64(p):
    """scalar operations of 64 bits"""
    values = []
    for a, b in scalar_values(p, 8):
        low_b = b & M32
        table = [
            ("s_and_b64 s[18:19], s[14:15], s[16:17]", a & b, 1),
            ("s_or_b64 s[18:19], s[14:15], s[16:17]", a | b, 1),
            ("s_xor_b64 s[18:19], s[14:15], s[16:17]", a ^ b, 1),
            ("s_andn2_b64 s[18:19], s[14:15], s[16:17]", a & ~b, 1),
            ("s_orn2_b64 s[18:19], s[14:15], s[16:17]", a | ~b, 1),
            ("s_nand_b64 s[18:19], s[14:15], s[16:17]", ~(a & b), 1),
            ("s_lshl_b64 s[18:19], s[14:15], s13", a << (low_b & 63), 1),
            ("s_lshr_b64 s[18:19], s[14:15], s13", a >> (low_b & 63), 1),
            ("s_ashr_i64 s[18:19], s[14:15], s13", signed(a, 64) >> (low_b & 63), 1),
            ("s_bfe_u64 s[18:19], s[14:15], s13",
             field(a, low_b & 63, low_b >> 16 & 127, 64, False), 1),
            ("s_bfe_i64 s[18:19], s[14:15], s13",
             field(a, low_b & 63, low_b >> 16 & 127, 64, True), 1),
            ("s_bfm_b64 s[18:19], s12, s13",
             ((1 << (a & 63)) - 1) << (low_b & 63), None),
            ("s_not_b64 s[18:19], s[14:15]", ~a, 1),
            ("s_brev_b64 s[18:19], s[14:15]", reverse(a, 64), None),
            ("s_cselect_b64 s[18:19], s[14:15], s[16:17]", a, None),
            ("s_mov_b64 s[18:19], 0x7fffff01", 0x7FFFFF01, None),
            ("s_mov_b64 s[18:19], -5", -5, None),
        ]
        if p.generation == 12:
            table += [
                ("s_add_nc_u64 s[18:19], s[14:15], s[16:17]", a + b, None),
                ("s_sub_nc_u64 s[18:19], s[14:15], s[16:17]", a - b, None),
                ("s_mul_u64 s[18:19], s[14:15], s[16:17]", a * b, None),
            ]
        for text, value, code in table:
            value &= M64
            p.asm(f"s_cmp_eq_u32 s0, s0\n{text}\ns_cselect_b32 s20, 1, 0")
            collect(p, "s18", values, value)
            collect(p, "s19", values, value >> 32)
            collect(p, "s20", values, 1 if code is None else int(value != 0))
        for text, value in (
                ("s_bcnt1_i32_b64 s18, s[14:15]", a.bit_count()),
                ("s_bcnt0_i32_b64 s18, s[14:15]", 64 - a.bit_count()),
                ("s_ff1_i32_b64 s18, s[14:15]", first_one(a)),
                ("s_flbit_i32_b64 s18, s[14:15]", leading_zeros(a, 64)),
                ("s_flbit_i32_i64 s18, s[14:15]", sign_length(a, 64))):
            p.asm(text)
            collect(p, "s18", values, value)
    flush(p, values)


@program()
def scalar_branches(p):
    """scalar comparisons, immediates, branches on all conditions"""
    values = []
    for a, b in scalar_values(p, 9):
        a, b = a & M32, b & M32
        short = signed(b, 16)
        cases = []
        for name, function in COMPARE.items():
            name = "lg" if name == "ne" else name
            cases += [(f"s_cmp_{name}_i32 s12, s13", function(signed(a), signed(b))),
                      (f"s_cmp_{name}_u32 s12, s13", function(a, b))]
            if p.generation < 12:
                cases += [(f"s_cmpk_{name}_i32 s12, 0x{short & 0xFFFF:x}",
                           function(signed(a), short)),
                          (f"s_cmpk_{name}_u32 s12, 0x{short & 0xFFFF:x}",
                           function(a, short & 0xFFFF))]
        cases += [("s_bitcmp0_b32 s12, s13", not a >> (b & 31) & 1),
                  ("s_bitcmp1_b32 s12, s13", a >> (b & 31) & 1)]
        for text, value in cases:
            p.asm(f"{text}\ns_cselect_b32 s18, 1, 0")
            collect(p, "s18", values, int(value))
        p.asm(f"s_mov_b32 s18, s12\ns_addk_i32 s18, 0x{short & 0xFFFF:x}\ns_cselect_b32 s19, 1, 0")
        total = signed(a) + short
        collect(p, "s18", values, total)
        collect(p, "s19", values, int(not -(1 << 31) <= total < 1 << 31))
        p.asm(f"s_mov_b32 s18, s12\ns_mulk_i32 s18, 0x{short & 0xFFFF:x}")
        collect(p, "s18", values, signed(a) * short)
        p.asm(f"s_movk_i32 s18, 0x{short & 0xFFFF:x}")
        collect(p, "s18", values, short)
    flush(p, values)
    p.asm("s_mov_b32 s18, 0\ns_mov_{b} {m8}, {exec}")
    expected = 0
    for index, (setup, branch, taken) in enumerate((
            ("s_cmp_eq_u32 s0, s0", "scc1", True), ("s_cmp_eq_u32 s0, s0", "scc0", False),
            ("s_mov_{b} {vcc}, 0", "vccz", True), ("s_mov_{b} {vcc}, 0", "vccnz", False),
            ("s_mov_{b} {vcc}, 4", "vccz", False), ("s_mov_{b} {vcc}, 4", "vccnz", True),
            ("s_mov_{b} {exec}, 0", "execz", True), ("s_mov_{b} {exec}, 0", "execnz", False),
            ("s_mov_{b} {exec}, 1", "execz", False), ("s_mov_{b} {exec}, 1", "execnz", True))):
        p.asm(f"""
            {setup}
            s_cbranch_{branch} to{index}
            s_or_b32 s18, s18, 0x{1 << index:x}
            to{index}:
            s_mov_{{b}} {{exec}}, {{m8}}
        """)
        expected |= 0 if taken else 1 << index
    p.store_scalar("s18", expected)


@program()
def saved_masks(p):
    """EXEC saved and combined in one instruction"""
    bits = p.lanes
    full = (1 << bits) - 1
    source, before = 0x0F0F33335555AAAA & full, 0x3C3C0FF0A5A5FF01 & full
    wide = p.wide

    def load(registers, value):
        first = registers
        lines = f"s_mov_b32 s{first}, 0x{value & M32:x}\n"
        return lines + (f"s_mov_b32 s{first + 1}, 0x{value >> 32:x}\n" if wide else "")
    combine = {
        "and": lambda s, e: s & e, "or": lambda s, e: s | e, "xor": lambda s, e: s ^ e,
        "andn2": lambda s, e: s & ~e, "orn2": lambda s, e: s | ~e, "nand": lambda s, e: ~(s & e),
        "nor": lambda s, e: ~(s | e), "xnor": lambda s, e: ~(s ^ e), "andn1": lambda s, e: ~s & e,
        "orn1": lambda s, e: ~s | e,
    }
    values = []
    p.asm("s_mov_{b} {m8}, {exec}")
    p.asm(load(12, source) + load(14, before))
    register = "s[{0}:{1}]".format if wide else "s{0}".format
    for kind in ("saveexec", "wrexec"):
        for name, function in combine.items():
            if kind == "wrexec" and name not in ("andn1", "andn2"):
                continue
            p.asm(f"""
                s_mov_{{b}} {{exec}}, {register(14, 15)}
                s_{name}_{kind}_{{b}} {register(16, 17)}, {register(12, 13)}
                s_cselect_b32 s20, 1, 0
                s_mov_{{b}} {register(18, 19)}, {{exec}}
                s_mov_{{b}} {{exec}}, {{m8}}
            """)
            result = function(source, before) & full
            saved = before if kind == "saveexec" else result
            for place, value in ((16, saved), (18, result)):
                collect(p, f"s{place}", values, value)
                if wide:
                    collect(p, f"s{place + 1}", values, value >> 32)
            collect(p, "s20", values, int(result != 0))
    flush(p, values)


@program()
def constants(p):
    """inline constants and literals: 32 bits, 64 bits, floating point as bits"""
    values = []
    for text, value in (("0", 0), ("64", 64), ("-16", -16), ("0.5", 0x3F000000),
                        ("-4.0", 0xC0800000), ("1.0", 0x3F800000), ("0x12345678", 0x12345678)):
        p.asm(f"s_mov_b32 s18, {text}")
        collect(p, "s18", values, value)
        p.asm(f"v_mov_b32 v20, {text}\nv_readfirstlane_b32 s18, v20")
        collect(p, "s18", values, value)
    for text, value in (("0.5", 0x3FE0 << 48), ("-4.0", 0xC010 << 48), ("1.0", 0x3FF0 << 48),
                        ("-16", -16)):
        p.asm(f"s_mov_b64 s[18:19], {text}")
        collect(p, "s18", values, value)
        collect(p, "s19", values, value >> 32)
    # A literal is extended by its sign for numbers with one, and by zeros for others.
    p.asm("""
        s_mov_b64 s[18:19], 0x80000001
        s_ashr_i64 s[20:21], 0x80000001, 4
    """)
    collect(p, "s19", values, 0)
    collect(p, "s21", values, M32)
    if p.generation >= 10:
        p.asm("v_add3_u32 v20, v0, 0x12345, v0\nv_readfirstlane_b32 s18, v20")
        collect(p, "s18", values, 0x12345)
    flush(p, values)


ATOMICS = {
    "swap": lambda m, d, c, bits: d,
    "add": lambda m, d, c, bits: m + d,
    "sub": lambda m, d, c, bits: m - d,
    "smin": lambda m, d, c, bits: min(signed(m, bits), signed(d, bits)),
    "umin": lambda m, d, c, bits: min(m, d),
    "smax": lambda m, d, c, bits: max(signed(m, bits), signed(d, bits)),
    "umax": lambda m, d, c, bits: max(m, d),
    "and": lambda m, d, c, bits: m & d,
    "or": lambda m, d, c, bits: m | d,
    "xor": lambda m, d, c, bits: m ^ d,
    "inc": lambda m, d, c, bits: 0 if m >= d else m + 1,
    "dec": lambda m, d, c, bits: d if m == 0 or m > d else m - 1,
    "cmpswap": lambda m, d, c, bits: d if m == c else m,
}
LDS = {"smin": "ds_min_rtn_i{}", "smax": "ds_max_rtn_i{}", "umin": "ds_min_rtn_u{}",
       "umax": "ds_max_rtn_u{}", "and": "ds_and_rtn_b{}", "or": "ds_or_rtn_b{}",
       "xor": "ds_xor_rtn_b{}", "swap": "ds_wrxchg_rtn_b{}"}


def atomic_programs(p, bits):
    rows = operands(p, 10 + bits, bits)
    # In every second work item, the comparison finds what it looks for.
    rows = [(a, b, a if item & 1 else c) for item, (a, b, c) in enumerate(rows)]
    wide = bits == 64

    def pair(register):
        return f"v[{register}:{register + 1}]" if wide else f"v{register}"
    p.asm(f"""
        v_and_b32 v3, 1, v0
        v_cmp_eq_u32 {{vcc}}, 1, v3
        v_cndmask_b32 v14, v14, v10, {{vcc}}
        v_cndmask_b32 v15, v15, v11, {{vcc}}
        v_lshlrev_b32 v4, {3 if wide else 2}, v0
        v_add_u32 v5, 0x8000, v4
    """)
    # What is swapped in, and behind it what is compared.
    for place, register in enumerate((12, 13, 14, 15) if wide else (12, 14)):
        p.asm(f"v_mov_b32 v{40 + place}, v{register}")

    def results(functions, old, new):
        values = [functions(a, b, c, bits) & ((1 << bits) - 1) for a, b, c in rows]
        p.store(f"v{old}", [a & M32 for a, _, _ in rows])
        p.store(f"v{new}", [value & M32 for value in values])
        if wide:
            p.store(f"v{old + 1}", [a >> 32 for a, _, _ in rows])
            p.store(f"v{new + 1}", [value >> 32 for value in values])
        return values
    size = "x2" if wide else ""
    for name, function in ATOMICS.items():
        data = pair(12)
        if name == "cmpswap":
            data = "v[40:43]" if wide else "v[40:41]"
        p.asm(f"""
            global_store_dword{size} v5, {pair(10)}, s[0:1]
            wait
            global_atomic_{name}{'_x2' if wide else ''} {pair(20)}, v5, {data}, s[0:1] RETURN
            wait
            global_load_dword{size} {pair(22)}, v5, s[0:1]
            wait
        """.replace("RETURN", p.returning()))
        values = results(function, 20, 22)
        shared = LDS.get(name, f"ds_{name}_rtn_u{{}}").format(bits)
        data = pair(12)
        if name == "cmpswap":
            # The comparison comes first until GFX 10, and second from GFX 11 on.
            shared = f"ds_{'cmpst' if p.generation < 11 else 'cmpstore'}_rtn_b{bits}"
            data = ", ".join([pair(14), pair(12)] if p.generation < 11 else [pair(12), pair(14)])
        p.asm(f"""
            ds_write_b{bits} v4, {pair(10)}
            wait
            {shared} {pair(24)}, v4, {data}
            wait
            ds_read_b{bits} {pair(26)}, v4
            wait
        """)
        results(function, 24, 26)
    p.asm(f"""
        ds_write_b{bits} v4, {pair(10)}
        wait
        ds_rsub_rtn_u{bits} {pair(24)}, v4, {pair(12)}
        wait
        ds_read_b{bits} {pair(26)}, v4
        wait
    """)
    results(lambda m, d, c, bits: d - m, 24, 26)
    p.asm(f"""
        ds_write_b{bits} v4, {pair(10)}
        wait
        ds_mskor_rtn_b{bits} {pair(24)}, v4, {pair(12)}, {pair(14)}
        wait
        ds_read_b{bits} {pair(26)}, v4
        wait
    """)
    results(lambda m, d, c, bits: m & ~d | c, 24, 26)
    # Last in memory
    p.expect(0x8000, values, bits // 8)


@program()
def atomics32(p):
    """each atomic of 32 bits, in memory and in LDS"""
    atomic_programs(p, 32)


@program()
def atomics64(p):
    """each atomic of 64 bits, in memory and in LDS"""
    atomic_programs(p, 64)
