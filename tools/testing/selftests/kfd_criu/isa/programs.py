# SPDX-License-Identifier: GPL-2.0
"""Programs, and what they must leave in memory, computed here and not by the interpreter."""

import random
import re
import struct
from pathlib import Path

import llvm

DATA_SIZE = 0x100000
OUTPUT = 0x10000
SCRATCH = 0xC0000
SCRATCH_WAVE = 0x8000
DATA_BASE = 0x7F0012000000
M32 = (1 << 32) - 1
M64 = (1 << 64) - 1


def signed(value, bits=32):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def later_names():
    """What operations are called from which generation on, so that programs have one name."""
    here = Path(__file__).resolve().parent
    table = here.parents[4] / "drivers/gpu/drm/amd/simgpu/simgpu_isa_ops.h"
    found = re.findall(r'OP\((\w+), SINCE\((\d+), "(\w+)"\)', table.read_text())
    return {old: (int(since), new) for old, since, new in found}


class Program:
    """A program under construction, for one processor and size of wave."""

    names = later_names()

    def __init__(self, processor, lanes, waves=1, agprs=0):
        self.processor, self.lanes, self.waves, self.agprs = processor, lanes, waves, agprs
        self.generation = llvm.generation(processor)
        self.items = range(lanes * waves)
        self.memory = bytearray(DATA_SIZE)
        self.changes = []
        self.log = [f"wave {wave} ended" for wave in range(waves)]
        self.lines = []
        # Memory that is compared with a function instead: (offset, bytes, function).
        self.judged = []
        self.output = OUTPUT
        self.wide = lanes == 64
        self.words = {
            "vcc": "vcc" if self.wide else "vcc_lo",
            "exec": "exec" if self.wide else "exec_lo",
            "b": "b64" if self.wide else "b32",
            "m8": "s[8:9]" if self.wide else "s8",
            "m10": "s[10:11]" if self.wide else "s10",
        }
        # s[4:5] is where output goes, v1 the place of a work item in it.
        self.asm(f"""
            s_add_u32 s4, s0, 0x{OUTPUT:x}
            s_addc_u32 s5, s1, 0
            v_lshlrev_b32 v1, 2, v0
        """)

    def name(self, operation):
        segment = ""
        bare = operation
        if re.match(r"(flat|global|scratch)_", operation):
            segment, bare = operation.split("_", 1)
            segment += "_"
        since, new = self.names.get(bare, (99, None))
        return segment + new if self.generation >= since else operation

    def asm(self, text):
        for line in text.strip().split("\n"):
            line = line.strip()
            if not line or line.startswith("//"):
                continue
            for word, meaning in self.words.items():
                line = line.replace("{" + word + "}", meaning)
            if line == "wait":
                self.lines += (["s_waitcnt 0"] if self.generation < 12 else
                               [f"s_wait_{what}cnt 0x0" for what in ("load", "store", "ds", "km")])
            elif line == "barrier":
                self.lines += (["s_barrier"] if self.generation < 12 else
                               ["s_barrier_signal -1", "s_barrier_wait -1"])
            else:
                operation, *rest = line.split(None, 1)
                self.lines.append(" ".join([self.name(operation), *rest]))

    def returning(self):
        """How an atomic says that it returns what was there."""
        if self.generation == 12:
            return "th:TH_ATOMIC_RETURN"
        return "sc0" if self.processor == "gfx942" else "glc"

    def put(self, offset, values, size=4):
        for index, value in enumerate(values):
            at = offset + index * size
            self.memory[at:at + size] = (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")

    def expect(self, offset, values, size=4):
        for index, value in enumerate(values):
            self.changes.append((offset + index * size,
                                 (value & ((1 << 8 * size) - 1)).to_bytes(size, "little")))

    def store(self, register, values):
        """Write a register of all work items, and say what is in it."""
        step = 4 * len(self.items)
        self.asm(f"""
            global_store_dword v1, {register}, s[4:5]
            s_add_u32 s4, s4, 0x{step:x}
            s_addc_u32 s5, s5, 0
        """)
        self.expect(self.output, values)
        self.output += step

    def store_scalar(self, register, value):
        """Write a scalar register, from each work item."""
        self.asm(f"v_mov_b32 v63, {register}")
        self.store("v63", [value] * len(self.items))

    def end(self):
        self.asm("s_endpgm")
        return self

    def code(self):
        return llvm.assemble(self.processor, self.lanes, "\n".join(self.lines) + "\n")

    def check(self, memory, log):
        """What is wrong with the memory and the log that a run has left."""
        wrong = []
        rest = list(log)
        for wanted in self.log:
            found = next((line for line in rest if wanted in line), None)
            if found:
                rest.remove(found)
        if rest or len(log) != len(self.log):
            wrong.append(f"{log} instead of {self.log}")
        expected = bytearray(self.memory)
        for offset, data in self.changes:
            expected[offset:offset + len(data)] = data
        for offset, size, judge in self.judged:
            complaint = judge(memory[offset:offset + size])
            if complaint:
                wrong.append(complaint)
            expected[offset:offset + size] = memory[offset:offset + size]
        for at in range(0, 0 if memory == bytes(expected) else DATA_SIZE, 4):
            if memory[at:at + 4] != expected[at:at + 4]:
                got, wanted = (int.from_bytes(where[at:at + 4], "little")
                               for where in (memory, expected))
                wrong.append(f"at 0x{at:x} 0x{got:08x} instead of 0x{wanted:08x}")
                if len(wrong) > 5:
                    break
        return wrong


PROGRAMS = []


def program(**options):
    def add(function):
        PROGRAMS.append((function, options))
        return function
    return add


@program(waves=2)
def work_items(p):
    """a loop over a sum, in each work item as often as its number says"""
    p.asm("""
        v_mov_b32 v2, 0
        v_mov_b32 v3, v0
        s_mov_{b} {m8}, {exec}
        loop:
        v_cmp_ne_u32 {vcc}, 0, v3
        s_and_{b} {exec}, {exec}, {vcc}
        s_cbranch_execz out
        v_mul_lo_u32 v4, v3, v3
        v_add_u32 v2, v2, v4
        v_sub_u32 v3, v3, 1
        s_branch loop
        out:
        s_mov_{b} {exec}, {m8}
    """.replace("v_sub_u32 v3, v3, 1", "v_add_u32 v3, -1, v3"))
    p.store("v2", [sum(n * n for n in range(item + 1)) for item in p.items])


@program()
def branches(p):
    """both sides of a branch, and one inside the other"""
    p.asm("""
        v_and_b32 v2, 1, v0
        v_mov_b32 v3, 0
        v_cmp_eq_u32 {vcc}, 1, v2
        s_and_saveexec_{b} {m8}, {vcc}
        v_mul_u32_u24 v3, v0, 5
        v_cmp_gt_u32 {vcc}, 20, v0
        s_and_saveexec_{b} {m10}, {vcc}
        v_or_b32 v3, 0x10000, v3
        s_mov_{b} {exec}, {m10}
        s_xor_{b} {exec}, {exec}, {m8}
        v_xor_b32 v3, 0x55, v0
        s_or_{b} {exec}, {exec}, {m8}
    """.replace("v_mul_u32_u24 v3, v0, 5", "v_mul_u32_u24 v3, 5, v0"))
    p.store("v3", [item * 5 | (0x10000 if item < 20 else 0) if item & 1 else item ^ 0x55
                   for item in p.items])


@program(waves=3)
def atomics(p):
    """atomics on one place from all work items; each old value of a counter is seen once"""
    count = len(p.items)
    # adds, incs, maxima and so on, at 16 bytes each
    p.put(0, [1000, 0, 5, 0, 0x80000000, 0, M32, 0])
    p.put(0x40, [M32, 0, 7, 7, 0, 0])
    p.asm("""
        v_mov_b32 v10, 0
        v_mov_b32 v2, 3
        global_atomic_add v3, v10, v2, s[0:1] RETURN
        v_mov_b32 v4, 0x7fffffff
        global_atomic_inc v10, v4, s[0:1] offset:8
        v_add_u32 v5, -5, v0
        global_atomic_smax v10, v5, s[0:1] offset:16
        global_atomic_umin v10, v0, s[0:1] offset:24
        v_mov_b32 v6, 1
        v_mov_b32 v7, 1
        global_atomic_add_x2 v10, v[6:7], s[0:1] offset:64
        wait
    """.replace("RETURN", p.returning()))
    at = p.output
    p.store("v3", [0] * count)
    del p.changes[-count:]
    wanted = {1000 + 3 * n for n in range(count)}
    p.judged.append((at, 4 * count, lambda data: None if set(struct.unpack(f"<{count}I", data)) ==
                     wanted else "not each old value once"))
    p.expect(0, [1000 + 3 * count, 0, 5 + count, 0, count - 6, 0, 0, 0])
    p.expect(0x40, [(M32 + count * (1 + (1 << 32))) & M32, (M32 + count * (1 + (1 << 32))) >> 32])


@program(waves=2)
def lock(p):
    """a lock of compare and swap, held by one lane at a time, around what is no atomic"""
    count = len(p.items)
    p.asm("""
        v_mov_b32 v10, 0
        s_mov_{b} {m8}, {exec}
        again:
        v_mov_b32 v2, 1
        v_mov_b32 v3, 0
        global_atomic_cmpswap v4, v10, v[2:3], s[0:1] RETURN
        wait
        v_cmp_eq_u32 {vcc}, 0, v4
        s_and_saveexec_{b} {m10}, {vcc}
        s_cbranch_execz locked
        global_load_dword v5, v10, s[0:1] offset:8
        wait
        v_add_u32 v5, v5, v0
        global_store_dword v10, v5, s[0:1] offset:8
        wait
        global_atomic_swap v10, v10, s[0:1]
        locked:
        s_andn2_{b} {exec}, {m10}, {exec}
        s_cbranch_execnz again
        s_mov_{b} {exec}, {m8}
    """.replace("RETURN", p.returning()))
    p.expect(8, [sum(range(count))])


@program(waves=2)
def local_share(p):
    """LDS: what one wave has written the other one reads behind a barrier"""
    count = len(p.items)
    p.asm(f"""
        v_mul_u32_u24 v2, 7, v0
        ds_write_b32 v1, v2 offset:16
        wait
        barrier
        v_sub_u32 v3, {count - 1}, v0
        v_lshlrev_b32 v3, 2, v3
        ds_read_b32 v4, v3 offset:16
        wait
        barrier
        v_mov_b32 v5, 1
        v_mov_b32 v6, 0
        ds_add_u32 v6, v5 offset:4
        ds_max_rtn_u32 v7, v6, v0 offset:8
        v_lshlrev_b32 v8, 3, v0
        v_mov_b32 v14, 0x11
        v_mov_b32 v15, 0x22
        ds_write2_b32 v8, v0, v2 offset0:128 offset1:129
        wait
        barrier
        ds_read2_b32 v[10:11], v8 offset0:128 offset1:129
        ds_read_b64 v[12:13], v8 offset:512
        ds_read_b32 v9, v6 offset:4
        ds_read_b32 v16, v6 offset:8
        wait
    """)
    p.store("v4", [7 * (count - 1 - item) for item in p.items])
    p.store("v9", [count] * count)
    p.store("v10", list(p.items))
    p.store("v11", [7 * item for item in p.items])
    p.store("v12", list(p.items))
    p.store("v13", [7 * item for item in p.items])
    p.store("v16", [count - 1] * count)


@program()
def local_share_outside(p):
    """LDS: outside of it, reads give 0 and writes are dropped; sizes and signs"""
    p.asm("""
        v_mov_b32 v2, 0x8000
        v_mov_b32 v3, 0x1234
        ds_write_b32 v2, v3
        ds_read_b32 v4, v2
        v_mov_b32 v5, 0xfedcba98
        v_lshlrev_b32 v6, 4, v0
        ds_write_b32 v6, v5
        ds_write_b8 v6, v0 offset:4
        ds_write_b16 v6, v5 offset:5
        wait
        ds_read_i8 v7, v6
        ds_read_u8 v8, v6 offset:1
        ds_read_i16 v9, v6 offset:2
        ds_read_u16 v10, v6 offset:5
        ds_read_b96 v[12:14], v6
        wait
    """)
    count = len(p.items)
    p.store("v4", [0] * count)
    p.store("v7", [0xFFFFFF98] * count)
    p.store("v8", [0xBA] * count)
    p.store("v9", [0xFFFFFEDC] * count)
    p.store("v10", [0xBA98] * count)
    p.store("v13", [item & 0xFF | 0xBA9800 for item in p.items])


def scratch_setup(p):
    """A program that sets up scratch itself finds what it has been given."""
    if p.generation == 9:
        return "s_mov_b64 s[20:21], flat_scratch\ns_mov_b64 flat_scratch, s[20:21]"
    if p.generation == 10:
        return """s_getreg_b32 s20, hwreg(HW_REG_FLAT_SCR_LO)
            s_getreg_b32 s21, hwreg(HW_REG_FLAT_SCR_HI)
            s_setreg_b32 hwreg(HW_REG_FLAT_SCR_LO), s20
            s_setreg_b32 hwreg(HW_REG_FLAT_SCR_HI), s21"""
    # What a kernel writes there is ignored.
    names = ("SCRATCH_BASE_LO", "SCRATCH_BASE_HI") if p.generation == 12 else (
        "FLAT_SCR_LO", "FLAT_SCR_HI")
    return f"""s_mov_b32 s20, 0x12345678
        s_getreg_b32 s22, hwreg(HW_REG_{names[0]})
        s_getreg_b32 s23, hwreg(HW_REG_{names[1]})
        s_setreg_b32 hwreg(HW_REG_{names[0]}), s20
        s_setreg_b32 hwreg(HW_REG_{names[1]}), s20
        s_getreg_b32 s20, hwreg(HW_REG_{names[0]})
        s_getreg_b32 s21, hwreg(HW_REG_{names[1]})
        s_cmp_eq_u64 s[20:21], s[22:23]
        s_cbranch_scc1 kept
        s_endpgm
        kept:"""


@program(waves=2)
def scratch(p):
    """scratch, by scratch and flat instructions; where it is in memory"""
    p.asm(scratch_setup(p))
    p.asm("""
        v_mul_u32_u24 v2, 9, v0
        v_mov_b32 v3, 8
        scratch_store_dword v3, v2, off offset:4
        s_mov_b64 s[12:13], src_private_base
        v_mov_b32 v5, s13
        v_mov_b32 v4, 12
        flat_load_dword v6, v[4:5]
        wait
        v_add_u32 v7, 1, v6
        v_mov_b32 v4, 20
        flat_store_dword v[4:5], v7
        wait
        s_mov_b32 s14, 20
        scratch_load_dword v8, off, s14
        v_mov_b32 v10, 0xaabbccdd
        v_mov_b32 v11, v0
        v_mov_b32 v9, 34
        scratch_store_dwordx2 v9, v[10:11], off
        wait
        v_mov_b32 v9, 36
        scratch_load_dword v12, v9, off
        scratch_load_ushort v13, v9, off offset:2
        wait
    """)
    p.store("v6", [9 * item for item in p.items])
    p.store("v8", [9 * item + 1 for item in p.items])
    p.store("v12", [0xAABB | (item & 0xFFFF) << 16 for item in p.items])
    p.store("v13", [item & 0xFFFF for item in p.items])
    for item in p.items:
        wave, lane = divmod(item, p.lanes)
        base = SCRATCH + wave * SCRATCH_WAVE

        def row(offset):
            return base + (offset // 4 * p.lanes + lane) * 4 + offset % 4
        p.expect(row(12), [9 * item])
        p.expect(row(20), [9 * item + 1])
        for offset, byte in enumerate(struct.pack("<II", 0xAABBCCDD, item)):
            p.expect(row(34 + offset), [byte], 1)


@program(waves=2)
def cache_policy(p):
    """whatever loads, stores and atomics say of caches, memory is what they have made of it"""
    old = p.processor != "gfx942" and p.generation < 12
    stages = ["glc", "slc", "glc slc"] if old else [
        "scope:SCOPE_SE", "scope:SCOPE_DEV", "scope:SCOPE_SYS"] if p.generation == 12 else [
        "sc0", "sc1", "nt", "sc0 sc1 nt"]
    if p.generation in (10, 11):
        stages += ["dlc", "glc slc dlc"]
    if p.processor == "gfx90a":
        stages += ["scc", "glc scc"]
    stages = ["", *stages]
    between = {
        "gfx90a": ["buffer_wbl2", "buffer_invl2", "buffer_wbinvl1_vol"],
        "gfx942": ["buffer_wbl2 sc0 sc1", "buffer_inv sc0 sc1", "buffer_inv sc1"],
    }.get(p.processor, {
        9: ["buffer_wbinvl1", "buffer_wbinvl1_vol", "s_dcache_wb", "s_dcache_inv"],
        10: ["buffer_gl0_inv", "buffer_gl1_inv", "s_gl1_inv", "s_dcache_inv"],
        11: ["buffer_gl0_inv", "buffer_gl1_inv", "s_gl1_inv", "s_dcache_inv"],
        12: ["global_wb scope:SCOPE_SYS", "global_inv scope:SCOPE_SYS",
             "global_wbinv scope:SCOPE_SYS", "s_dcache_inv"],
    }[p.generation])
    count = len(p.items)
    p.asm("""
        v_mov_b32 v2, s4
        v_mov_b32 v3, s5
        v_add_co_u32 v2, {vcc}, v2, v1
        v_addc_co_u32 v3, {vcc}, 0, v3, {vcc}
        v_mov_b32 v4, v0
        v_mov_b32 v6, 3
        s_add_u32 s12, s0, 0x40
        s_addc_u32 s13, s1, 0
    """)
    at = p.output
    p.output += 4 * count
    p.asm(f"""
        s_add_u32 s4, s4, 0x{4 * count:x}
        s_addc_u32 s5, s5, 0
    """)
    for number, stage in enumerate(stages):
        # An atomic with GLC or SC0 returns what was there, and has a register for it.
        returns = "glc" in stage or "sc0" in stage
        p.asm(f"""
            flat_store_dword v[2:3], v4 {stage}
            {between[number % len(between)]}
            wait
            flat_load_dword v5, v[2:3] {stage}
            wait
            flat_atomic_add {'v7, ' if returns else ''}v[2:3], v6 {stage}
            wait
            flat_load_dword v4, v[2:3]
            wait
            v_add_u32 v4, v4, v5
        """)
    p.asm("wait")
    values, last = list(p.items), list(p.items)
    for _ in stages:
        last = [value + 3 for value in values]
        values = [2 * value + 3 for value in values]
    p.expect(at, last)
    p.store("v4", values)
    p.put(0x48, [0xfeed0001])
    glc = "scope:SCOPE_SYS" if p.generation == 12 else "glc"
    p.asm(f"s_load_dword s14, s[12:13], 0x8 {glc}\nwait")
    p.store_scalar("s14", 0xfeed0001)
    if p.generation == 9:
        p.asm("s_store_dword s14, s[12:13], 0x10 glc\nwait")
        p.expect(0x50, [0xfeed0001])


@program()
def flat_shared(p):
    """LDS by flat instructions, and an atomic there"""
    p.asm("""
        s_mov_b64 s[12:13], src_shared_base
        v_mov_b32 v5, s13
        v_lshlrev_b32 v4, 2, v0
        v_mul_u32_u24 v2, 11, v0
        flat_store_dword v[4:5], v2
        wait
        ds_read_b32 v6, v1
        v_mov_b32 v7, 100
        flat_atomic_add v[4:5], v7
        wait
        flat_load_dword v8, v[4:5]
        wait
    """)
    p.store("v6", [11 * item for item in p.items])
    p.store("v8", [11 * item + 100 for item in p.items])


@program()
def addresses(p):
    """addresses of 64 bits in vector registers, offsets of both signs, carries"""
    p.put(0x2000, [0x1000 + item for item in range(2 * p.lanes)])
    carry = "{vcc}, "
    p.asm(f"""
        s_add_u32 s6, s0, 0xfffffff0
        s_addc_u32 s7, s1, 0
        v_lshlrev_b32 v2, 2, v0
        v_add_co_u32 v4, {carry}s0, v2
        v_mov_b32 v5, s1
        v_addc_co_u32 v5, {{vcc}}, 0, v5, {{vcc}}
        v_add_co_u32 v6, {carry}0x2000, v4
        v_addc_co_u32 v7, {{vcc}}, 0, v5, {{vcc}}
        global_load_dword v8, v[6:7], off
        global_load_dword v9, v[6:7], off offset:16
        v_add_co_u32 v6, {carry}64, v6
        v_addc_co_u32 v7, {{vcc}}, 0, v7, {{vcc}}
        global_load_dword v10, v[6:7], off offset:-64
        flat_load_dword v11, v[6:7]
        wait
        v_mov_b32 v12, 0
        v_mov_b32 v13, 1
        v_sub_co_u32 v14, {{vcc}}, v12, v0
        v_subb_co_u32 v15, {{vcc}}, v13, v12, {{vcc}}
    """)
    p.store("v8", [0x1000 + item for item in p.items])
    p.store("v9", [0x1004 + item for item in p.items])
    p.store("v10", [0x1000 + item for item in p.items])
    p.store("v11", [0x1010 + item for item in p.items])
    p.store("v14", [-item & M32 for item in p.items])
    p.store("v15", [1 if item == 0 else 0 for item in p.items])


@program()
def widths(p):
    """loads and stores of all widths, signs and halves"""
    numbers = random.Random(5)
    data = bytes(numbers.getrandbits(8) for _ in range(16 * p.lanes))
    p.memory[:len(data)] = data
    p.asm("""
        v_lshlrev_b32 v2, 4, v0
        v_mov_b32 v20, 0x11111111
        v_mov_b32 v21, 0x22222222
        v_mov_b32 v22, 0x33333333
        v_mov_b32 v23, 0x44444444
        global_load_ubyte v3, v2, s[0:1] offset:3
        global_load_sbyte v4, v2, s[0:1] offset:5
        global_load_ushort v5, v2, s[0:1] offset:6
        global_load_sshort v6, v2, s[0:1] offset:7
        global_load_dwordx2 v[8:9], v2, s[0:1]
        global_load_dwordx3 v[10:12], v2, s[0:1] offset:4
        global_load_dwordx4 v[14:17], v2, s[0:1]
        global_load_ubyte_d16 v20, v2, s[0:1] offset:3
        global_load_sbyte_d16_hi v21, v2, s[0:1] offset:5
        global_load_short_d16 v22, v2, s[0:1] offset:6
        global_load_short_d16_hi v23, v2, s[0:1] offset:8
        wait
    """)

    def field(item, offset, size, sign=False):
        return int.from_bytes(data[16 * item + offset:16 * item + offset + size], "little",
                              signed=sign)
    p.store("v3", [field(item, 3, 1) for item in p.items])
    p.store("v4", [field(item, 5, 1, True) for item in p.items])
    p.store("v5", [field(item, 6, 2) for item in p.items])
    p.store("v6", [field(item, 7, 2, True) for item in p.items])
    for index, register in enumerate((8, 9)):
        p.store(f"v{register}", [field(item, 4 * index, 4) for item in p.items])
    for index, register in enumerate((10, 11, 12)):
        p.store(f"v{register}", [field(item, 4 + 4 * index, 4) for item in p.items])
    for index, register in enumerate((14, 15, 16, 17)):
        p.store(f"v{register}", [field(item, 4 * index, 4) for item in p.items])
    p.store("v20", [0x11110000 | field(item, 3, 1) for item in p.items])
    p.store("v21", [0x2222 | (field(item, 5, 1, True) & 0xFFFF) << 16 for item in p.items])
    p.store("v22", [0x33330000 | field(item, 6, 2) for item in p.items])
    p.store("v23", [0x4444 | field(item, 8, 2) << 16 for item in p.items])
    p.asm("""
        v_lshlrev_b32 v2, 4, v0
        v_add_u32 v2, 0x4000, v2
        global_store_byte v2, v14, s[0:1] offset:1
        global_store_short v2, v14, s[0:1] offset:2
        global_store_byte_d16_hi v2, v14, s[0:1] offset:5
        global_store_short_d16_hi v2, v14, s[0:1] offset:6
        v_add_u32 v2, 0x1000, v2
        global_store_dwordx2 v2, v[14:15], s[0:1] offset:4
        v_add_u32 v2, 0x1000, v2
        global_store_dwordx3 v2, v[14:16], s[0:1]
        v_add_u32 v2, 0x1000, v2
        global_store_dwordx4 v2, v[14:17], s[0:1]
    """)
    for item in p.items:
        at = 0x4000 + 16 * item
        p.expect(at + 1, [field(item, 0, 1)], 1)
        p.expect(at + 2, [field(item, 0, 2)], 2)
        p.expect(at + 5, [field(item, 2, 1)], 1)
        p.expect(at + 6, [field(item, 2, 2)], 2)
        p.expect(at + 0x1004, [field(item, 0, 4), field(item, 4, 4)])
        p.expect(at + 0x2000, [field(item, 4 * n, 4) for n in range(3)])
        p.expect(at + 0x3000, [field(item, 4 * n, 4) for n in range(4)])


@program(agprs=32, processors=("gfx908", "gfx90a", "gfx942"))
def accumulation(p):
    """accumulation registers keep what is written, and are no vector registers"""
    p.asm("""
        v_add_u32 v2, 0x100, v0
        v_accvgpr_write_b32 a1, v2
        v_accvgpr_write_b32 a31, 17
        v_mov_b32 v2, 0
        v_accvgpr_read_b32 v3, a1
        v_accvgpr_read_b32 v4, a31
    """)
    p.store("v2", [0] * len(p.items))
    p.store("v3", [0x100 + item for item in p.items])
    p.store("v4", [17] * len(p.items))
    if p.processor == "gfx908":
        return
    p.put(0x800, [77 + item for item in p.items])
    p.asm("""
        global_load_dword a4, v1, s[0:1] offset:2048
        wait
        v_accvgpr_mov_b32 a6, a4
        v_add_u32 v5, 0x1000, v1
        global_store_dword v5, a6, s[0:1]
        ds_write_b32 v1, a6
        wait
        ds_read_b32 a8, v1
        wait
        v_accvgpr_read_b32 v6, a8
    """)
    p.expect(0x1000, [77 + item for item in p.items])
    p.store("v6", [77 + item for item in p.items])


@program(waves=2)
def scalars(p):
    """scalar loads of all widths, stores where there are some, and addresses"""
    p.put(0x100, [0xC0DE0000 + n for n in range(64)])
    p.asm("""
        s_load_dword s12, s[0:1], 0x104
        s_load_dwordx2 s[14:15], s[0:1], 0x108
        s_load_dwordx4 s[16:19], s[0:1], 0x110
        s_load_dwordx8 s[20:27], s[0:1], 0x120
        s_load_dwordx16 s[28:43], s[0:1], 0x140
        s_mov_b32 s44, 0x1f0
        s_load_dword s45, s[0:1], s44
        wait
    """)
    for register, index in ((12, 1), (14, 2), (15, 3), (16, 4), (19, 7), (20, 8), (27, 15),
                            (28, 16), (43, 31), (45, 60)):
        p.store_scalar(f"s{register}", 0xC0DE0000 + index)
    if p.generation == 9:
        p.asm("""
            s_mov_b32 s46, 0x13572468
            s_mov_b32 s47, 0x24681357
            s_store_dword s46, s[0:1], 0x40
            s_store_dwordx2 s[46:47], s[0:1], 0x48
            s_dcache_wb
        """)
        p.expect(0x40, [0x13572468])
        p.expect(0x48, [0x13572468, 0x24681357])
    if p.generation == 12:
        p.put(0x200, [0x8081F2F3])
        p.asm("""
            s_load_u8 s12, s[0:1], 0x201
            s_load_i8 s13, s[0:1], 0x200
            s_load_u16 s14, s[0:1], 0x202
            s_load_i16 s15, s[0:1], 0x200
            s_load_b96 s[16:18], s[0:1], 0x104
            wait
        """)
        for register, value in ((12, 0xF2), (13, 0xFFFFFFF3), (14, 0x8081), (15, 0xFFFFF2F3),
                                (18, 0xC0DE0003)):
            p.store_scalar(f"s{register}", value)


@program()
def calls(p):
    """calls and returns: S_SWAPPC, S_SETPC, S_CALL, S_GETPC"""
    p.asm("""
        s_mov_b32 s12, 1
        s_getpc_b64 s[14:15]
        here:
        s_add_u32 s14, s14, double-here
        s_addc_u32 s15, s15, 0
        s_swappc_b64 s[16:17], s[14:15]
        s_add_u32 s12, s12, 1
        s_swappc_b64 s[16:17], s[14:15]
        s_call_b64 s[16:17], double
        s_branch over
        double:
        s_lshl_b32 s12, s12, 3
        s_setpc_b64 s[16:17]
        over:
    """)
    p.store_scalar("s12", ((1 << 3) + 1) << 3 << 3)


@program()
def lanes(p):
    """one lane reads another"""
    active = [item for item in p.items if item % 3]
    mask = sum(1 << item for item in active)
    p.asm(f"""
        v_mul_u32_u24 v2, 3, v0
        v_readlane_b32 s12, v2, 9
        s_mov_b32 s13, 5
        v_readlane_b32 s14, v2, s13
        v_mov_b32 v3, 0
        v_writelane_b32 v3, s12, 4
        v_mov_b32 v20, 0x99
        s_mov_{{b}} {{m8}}, {{exec}}
        s_mov_b32 exec_lo, 0x{mask & M32:x}
        s_mov_b32 exec_hi, 0x{mask >> 32:x}
        v_readfirstlane_b32 s15, v2
        v_mov_b32 v4, -1
        v_mbcnt_lo_u32_b32 v4, -1, 0
        v_mbcnt_hi_u32_b32 v4, exec_hi, v4
        ds_swizzle_b32 v20, v2 offset:swizzle(BITMASK_PERM, "0000p")
        s_mov_{{b}} {{exec}}, {{m8}}
        ds_swizzle_b32 v21, v2 offset:swizzle(QUAD_PERM, 3, 2, 1, 0)
        wait
        v_mov_b32 v6, v2
        v_mov_b32 v7, v0
        v_swap_b32 v6, v7
    """)
    if not p.wide:
        p.lines = [line for line in p.lines if not line.startswith("s_mov_b32 exec_hi")]
    p.store_scalar("s12", 27)
    p.store_scalar("s14", 15)
    p.store_scalar("s15", 3)
    p.store("v3", [27 if item == 4 else 0 for item in p.items])
    p.store("v6", list(p.items))
    p.store("v7", [3 * item for item in p.items])

    def below(item):
        if item not in active:
            return None
        high = bin((mask >> 32 if p.wide else 0) & ((1 << max(item - 32, 0)) - 1)).count("1")
        return min(item, 32) + high
    counts = [below(item) for item in p.items]
    p.asm("v_mov_b32 v5, v4")
    p.store("v5", [0 if count is None else count for count in counts])
    del p.changes[-len(p.items):]
    for item, count in enumerate(counts):
        p.expect(p.output - 4 * len(p.items) + 4 * item, [0 if count is None else count])
    # The lane with only its lowest bit left, of its half; 0 from one that is not active.
    p.store("v20", [0x99 if item not in active else
                    3 * (item & 32 | item & 1) if (item & 32 | item & 1) in active else 0
                    for item in p.items])
    p.store("v21", [3 * (item ^ 3) for item in p.items])


@program()
def permutations(p):
    """DS_PERMUTE and DS_BPERMUTE"""
    if p.generation >= 10 and p.wide:
        return
    count = p.lanes
    p.asm(f"""
        v_add_u32 v2, 5, v0
        v_lshlrev_b32 v2, 2, v2
        v_mul_u32_u24 v3, 3, v0
        ds_bpermute_b32 v4, v2, v3
        ds_permute_b32 v5, v2, v3
        wait
    """)
    p.store("v4", [3 * ((item + 5) % count) for item in p.items])
    p.store("v5", [3 * ((item - 5) % count) for item in p.items])


@program(waves=1)
def registers(p):
    """hardware registers, M0, VCC and EXEC as operands, mode, clocks, prefetches"""
    p.asm("""
        s_mov_b32 m0, 0x1234
        s_add_u32 s12, m0, 1
        s_mov_b32 vcc_lo, 0x10
        s_mov_b32 vcc_hi, 0x20
        s_add_u32 s13, vcc_lo, vcc_hi
        s_setreg_imm32_b32 hwreg(HW_REG_MODE, 4, 4), 0x5
        s_getreg_b32 s14, hwreg(HW_REG_MODE, 0, 8)
        s_setreg_imm32_b32 hwreg(HW_REG_MODE, 0, 2), 0x3
        s_getreg_b32 s15, hwreg(HW_REG_MODE)
        s_sleep 1
        s_nop 3
    """)
    p.store_scalar("s12", 0x1235)
    p.store_scalar("s13", 0x30)
    p.store_scalar("s14", 0x50)
    p.store_scalar("s15", 0x53)
    if p.generation >= 10:
        p.asm("s_mov_b32 null, 5\ns_add_u32 s12, null, 7")
        p.store_scalar("s12", 7)
    if p.generation < 11:
        p.asm("s_memtime s[12:13]\nwait\ns_memtime s[14:15]\nwait\ns_sub_u32 s14, s14, s12")
    else:
        p.asm("s_sendmsg_rtn_b64 s[12:13], sendmsg(MSG_RTN_GET_REALTIME)\nwait\n"
              "s_sendmsg_rtn_b64 s[14:15], sendmsg(MSG_RTN_GET_REALTIME)\nwait\n"
              "s_sub_u32 s14, s14, s12")
    p.store_scalar("s14", 1)
    if p.generation >= 11:
        p.asm("s_sendmsg_rtn_b32 s12, sendmsg(MSG_RTN_GET_DOORBELL)\nwait")
        p.store_scalar("s12", 0x123)
        p.asm("s_sendmsg_rtn_b64 s[12:13], sendmsg(MSG_RTN_GET_TMA)\nwait")
        p.store_scalar("s12", (DATA_BASE + 0x8000) & M32)
        p.store_scalar("s13", DATA_BASE >> 32)
    if p.generation == 12:
        p.asm("""
            s_cmp_lg_u32 s0, s0
            s_barrier_signal_isfirst -1
            s_cselect_b32 s12, 1, 0
            s_barrier_wait -1
        """)
        p.store_scalar("s12", 1)


@program(waves=2)
def next_barrier(p):
    """a wave that has waited at a barrier has not come to the next one yet"""
    p.asm("""
        v_mov_b32 v3, 0
        s_cmp_eq_u32 s2, 0
        s_cbranch_scc1 first
        s_mov_b32 s12, 100
        late:
        s_sub_u32 s12, s12, 1
        s_cmp_lg_u32 s12, 0
        s_cbranch_scc1 late
        first:
        barrier
        s_cmp_eq_u32 s2, 1
        s_cbranch_scc1 second
        s_mov_b32 s12, 200
        later:
        s_sub_u32 s12, s12, 1
        s_cmp_lg_u32 s12, 0
        s_cbranch_scc1 later
        v_mov_b32 v2, 9
        ds_write_b32 v3, v2
        wait
        second:
        barrier
        ds_read_b32 v4, v3
        wait
    """)
    p.store("v4", [9] * len(p.items))


@program(waves=3)
def early_end(p):
    """the barrier does not wait for a wave that has ended"""
    p.asm("""
        s_cmp_eq_u32 s2, 2
        s_cbranch_scc1 end
        barrier
        v_mov_b32 v2, 5
        barrier
        global_store_dword v1, v2, s[4:5]
        end:
    """)
    p.expect(OUTPUT, [5] * 2 * p.lanes)


@program()
def messages(p):
    """messages, traps and a handler for them, global wave sync, a halt"""
    p.asm("""
        s_mov_b32 m0, 0x5a
        s_sendmsg sendmsg(MSG_INTERRUPT)
        s_mov_b32 s12, 7
        s_trap 3
        s_add_u32 s12, s12, 1
    """)
    p.log = ["wave 0 message 0x1 m0 0x5a", "wave 0 trap 3"]
    p.store_scalar("s12", 108)
    if p.generation < 12:
        p.asm("""
            s_mov_b32 m0, 0x20000
            v_add_u32 v2, 9, v0
            ds_gws_init v2 offset:1 gds
            ds_gws_barrier v2 offset:1 gds
            ds_gws_sema_v offset:2 gds
        """)
        p.log += ["wave 0 gws 0 resource 3 data 9", "wave 0 gws 1 resource 3 data 9",
                  "wave 0 gws 2 resource 4 data 0"]
    p.asm("s_sethalt 1")
    p.log.append("wave 0 halted")
    # Where the trap handler is expected, 4 KiB behind the beginning: back behind S_TRAP.
    p.lines.append(".p2align 12")
    p.asm("""
        s_add_u32 s12, s12, 100
        s_add_u32 ttmp0, ttmp0, 4
        s_addc_u32 ttmp1, ttmp1, 0
        s_rfe_b64 [ttmp0, ttmp1]
    """)


# What run.c gives a wave, by LLVM's name of the register.
REGISTERS = {
    9: {"HW_ID": 0x01020304, "TRAPSTS": 0x20000100, "SH_MEM_BASES": 0x20001},
    10: {"HW_ID1": 0x01020304, "HW_ID2": 0x05060708, "TRAPSTS": 0x20000100,
         "SH_MEM_BASES": 0x20001},
    11: {"HW_ID1": 0x01020304, "HW_ID2": 0x05060708, "TRAPSTS": 0x20000100,
         "SH_MEM_BASES": 0x20001},
    12: {"HW_ID1": 0x01020304, "HW_ID2": 0x05060708, "EXCP_FLAG_USER": 0x20000100,
         "EXCP_FLAG_PRIV": 0x81, "TRAP_CTRL": 0x42},
}
EVERYWHERE = {"GPR_ALLOC": 0x10203, "LDS_ALLOC": 0x456, "IB_STS": 0x77}
EXECZ, VCCZ = 1 << 9, 1 << 10


@program()
def hardware_registers(p):
    """registers of a wave, from outside and from inside of a trap handler"""
    values = {**REGISTERS[p.generation], **EVERYWHERE}
    if p.processor == "gfx942":
        values["XCC_ID"] = 3
    for name, value in values.items():
        p.asm(f"""
            s_getreg_b32 s12, hwreg(HW_REG_{name})
            s_getreg_b32 s13, hwreg(HW_REG_{name}, 4, 5)
        """)
        p.store_scalar("s12", value)
        p.store_scalar("s13", value >> 4 & 31)
    status = "STATE_PRIV" if p.generation == 12 else "STATUS"
    bit = 9 if p.generation == 12 else 0
    p.asm(f"""
        s_mov_{{b}} {{vcc}}, 0
        s_cmp_eq_u32 s0, s0
        s_getreg_b32 s12, hwreg(HW_REG_STATUS)
        s_getreg_b32 s14, hwreg(HW_REG_{status}, {bit}, 1)
        s_cmp_lg_u32 s0, s0
        s_mov_{{b}} {{vcc}}, 1
        s_mov_{{b}} {{m8}}, {{exec}}
        s_mov_{{b}} {{exec}}, 0
        s_getreg_b32 s13, hwreg(HW_REG_STATUS)
        s_getreg_b32 s15, hwreg(HW_REG_{status}, {bit}, 1)
        s_mov_{{b}} {{exec}}, {{m8}}
    """)
    p.store_scalar("s12", VCCZ | (1 if p.generation < 12 else 0))
    p.store_scalar("s14", 1)
    p.store_scalar("s13", EXECZ)
    p.store_scalar("s15", 0)
    user = "EXCP_FLAG_USER" if p.generation == 12 else "TRAPSTS"
    p.asm(f"""
        s_setreg_imm32_b32 hwreg(HW_REG_{user}), 0x5
        s_getreg_b32 s12, hwreg(HW_REG_{user})
        s_mov_b32 s16, 0
        s_trap 7
    """)
    p.log = ["wave 0 trap 7", "wave 0 ended"]
    p.store_scalar("s12", 5)
    # What the handler has found: its own registers, and status bit 5 that says it is one.
    p.store_scalar("s16", 1)
    p.store_scalar("s17", 7)
    p.store_scalar("s18", 0x5A)
    if p.generation <= 10:
        p.store_scalar("s19", (DATA_BASE + 0x8000) & M32)
        p.store_scalar("s20", DATA_BASE >> 32)
    p.asm("s_endpgm")
    p.lines.append(".p2align 12")
    p.asm("s_getreg_b32 s16, hwreg(HW_REG_STATUS, 5, 1)")
    p.asm("s_lshr_b32 s17, ttmp1, 28" if p.generation == 12 else "s_bfe_u32 s17, ttmp1, 0x80010")
    p.asm("""
        s_setreg_imm32_b32 hwreg(HW_REG_IB_STS), 0x5a
        s_getreg_b32 s18, hwreg(HW_REG_IB_STS)
    """)
    if p.generation <= 10:
        p.asm("s_getreg_b32 s19, hwreg(HW_REG_TMA_LO)\ns_getreg_b32 s20, hwreg(HW_REG_TMA_HI)")
    if p.generation == 12:
        p.asm("""
            s_setreg_imm32_b32 hwreg(HW_REG_TRAP_CTRL), 0x1
            s_setreg_imm32_b32 hwreg(HW_REG_EXCP_FLAG_PRIV), 0x2
            s_getreg_b32 ttmp4, hwreg(HW_REG_STATE_PRIV)
            s_setreg_b32 hwreg(HW_REG_STATE_PRIV), ttmp4
        """)
    else:
        p.asm("""
            s_getreg_b32 ttmp4, hwreg(HW_REG_STATUS)
            s_setreg_b32 hwreg(HW_REG_STATUS), ttmp4
        """)
    p.asm("""
        s_add_u32 ttmp0, ttmp0, 4
        s_addc_u32 ttmp1, ttmp1, 0
        s_rfe_b64 [ttmp0, ttmp1]
    """)


@program()
def faults(p):
    """one lane that faults leaves nothing of its instruction done"""
    p.asm("""
        v_mov_b32 v2, v1
        v_mov_b32 v5, 0x40000000
        v_cmp_eq_u32 {vcc}, 7, v0
        v_cndmask_b32 v2, v2, v5, {vcc}
        v_mov_b32 v6, 1
        s_mov_b32 s12, 0
        global_atomic_add v2, v6, s[0:1]
        s_endpgm
    """)
    name = p.name("global_atomic_add")
    p.log = [f"data+0x40000000 write 1 error -14 {name}"]


@program()
def scalar_fault(p):
    """a scalar load that faults"""
    p.asm("""
        s_mov_b64 s[12:13], 0
        s_load_dword s12, s[12:13], 0x10
        s_endpgm
    """)
    name = p.name("s_load_dword")
    p.log = [f"data+0x{(0x10 - DATA_BASE) & M64:x} write 0 error -14 {name}"]


@program()
def fetch_fault(p):
    """a jump to where there is nothing to be executed"""
    p.asm("s_mov_b64 s[12:13], 0\ns_setpc_b64 s[12:13]")
    p.log = [f"data+0x{-DATA_BASE & M64:x} write 0 error -14"]


ILLEGAL = [
    ("v_add_f32 v2, v3, v4", "VOP2 opcode"),
    ("v_cvt_f32_u32 v2, v3", "VOP1 opcode"),
    ("v_cmp_lt_f32 vcc, v2, v3", "VOPC opcode"),
    ("v_fma_f32 v2, v3, v4, v5", "VOP3 opcode"),
    ("v_rcp_f64 v[2:3], v[4:5]", "VOP1 opcode"),
    ("v_mov_b32 v2, v63 quad_perm:[0,1,2,3] row_mask:0xf bank_mask:0xf", "source"),
    ("v_mov_b32 v2, v64", "source"),
    ("v_mov_b32 v64, v2", "destination"),
    ("s_mov_b32 ttmp3, s2", "scalar destination"),
    ("global_load_dword v64, v2, s[0:1]", "destination"),
    ("global_load_dwordx4 v[62:65], v2, s[0:1]", "destination"),
    ("global_load_dword v2, v[64:65], off", "address"),
    ("global_store_dwordx2 v2, v[64:65], s[0:1]", "data"),
    ("v_mov_b32 v2, src_shared_base", "source"),
    ("s_rfe_b64 s[12:13]", "not in a trap handler"),
    ("buffer_load_dword v2, v3, s[12:15], ZERO offen", "MUBUF opcode"),
]


def illegal(processor, lanes, text, name):
    """A program that ends at its first instruction, which is refused by that name."""
    p = Program(processor, lanes)
    if "ZERO" in text and p.generation == 12:
        return illegal(processor, lanes, text.replace("dword", "b32").replace("ZERO", "null"),
                       "unknown encoding")
    text = text.replace("ZERO", "0")
    if p.generation >= 10:
        text = text.replace("vcc,", p.words["vcc"] + ",")
    p.lines = []
    p.asm(text)
    p.lines += ["s_mov_b32 s3, 1", "s_endpgm"]
    operation = text.split()[0]
    if "opcode" not in name and name != "unknown encoding":
        name = f"{p.name(operation)}: {name}"
    p.log = [f"illegal at 0x0 {name}"]
    return p
