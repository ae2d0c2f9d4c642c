# SPDX-License-Identifier: GPL-2.0
"""Compare the decoder of the interpreter with LLVM's, opcode by opcode and at random."""

import ctypes
import random
import re

import llvm

FORMATS = ("SOP2", "SOPK", "SOP1", "SOPC", "SOPP", "SMEM", "VOP2", "VOP1", "VOPC", "VOP3", "VOP3P",
           "FLAT", "DS", "MUBUF")
# How often operands are tried until LLVM and the interpreter agree on an operation.
PATIENCE = 20000
SDWA_DPP = {0xE9, 0xEA, 0xF9, 0xFA}
FLOAT = re.compile(r"_(b?f(8|16|32|64)|bf16|fp8)(_|$)|f16|_f32|_f64")


FIELDS = ("format", "kind", "function", "type", "type0", "type1", "type2", "dst", "sdst", "src0",
          "src1", "src2", "literal", "offset", "offset0", "offset1", "address", "saddr", "data0",
          "data1", "acc", "returns", "segment")
FLOATS = ("0.5", "-0.5", "1.0", "-1.0", "2.0", "-2.0", "4.0", "-4.0", "0.15915494")
NAMES = {124: "m0", 125: "null", 235: "src_shared_base", 237: "src_private_base",
         251: "src_vccz", 252: "src_execz", 253: "src_scc"}
OFF = 0xFFFF


class Decoder:
    """simgpu_isa_decode()"""

    def __init__(self, library, processor, lanes):
        self.library = ctypes.CDLL(library)
        self.library.isa_entry.restype = ctypes.c_bool
        self.version = llvm.PROCESSORS[processor]
        self.lanes = lanes
        self.name = ctypes.create_string_buffer(96)
        self.dwords = ctypes.c_uint32()
        self.fields = (ctypes.c_int32 * len(FIELDS))()
        self.generation = llvm.generation(processor)

    def __call__(self, words):
        """Whether it is executed, its name, its bytes."""
        array = (ctypes.c_uint32 * 4)(*(words + [0] * 4)[:4])
        refused = self.library.isa_decode(self.version, self.lanes, array, self.name,
                                          ctypes.c_size_t(len(self.name)),
                                          ctypes.byref(self.dwords), self.fields)
        return not refused, self.name.value.decode(), 4 * self.dwords.value

    def kind(self, *names):
        return self.field["kind"] in [self.library.isa_kind(name.encode()) for name in names]

    def scalar(self, code, bits):
        """A scalar operand as LLVM writes it."""
        wide = bits > 32
        if 128 <= code <= 192:
            return str(code - 128)
        if 193 <= code <= 208:
            return str(192 - code)
        if 240 <= code <= 248:
            return FLOATS[code - 240]
        if code == 255:
            return f"0x{self.field['literal'] & (0xFFFF if bits == 16 else 0xFFFFFFFF):x}"
        for first, name in ((102, "flat_scratch"), (104, "xnack_mask"), (106, "vcc"),
                            (126, "exec")):
            if code in (first, first + 1) and (code > 105 or self.generation == 9):
                return name if wide else name + ("_lo" if code == first else "_hi")
        if code in NAMES:
            return NAMES[code]
        letter, code = ("ttmp", code - 108) if code >= 108 else ("s", code)
        return self.span(letter, code, (bits + 31) // 32)

    @staticmethod
    def span(letter, first, dwords):
        return f"{letter}{first}" if dwords < 2 else f"{letter}[{first}:{first + dwords - 1}]"

    def operands(self, name):
        """Operands in LLVM's order, or None where this does not know it."""
        self.field = field = dict(zip(FIELDS, self.fields))
        bits = [field[f"type{index}"] & 0x7F for index in range(3)]
        form = FORMATS[field["format"]]
        if self.kind("NOP"):
            return None
        if form in ("SOP2", "SOP1", "SOPC"):
            if any(kind in (4, 5) for kind in bits[:2]):
                return None
            out = [self.scalar(field["dst"], field["type"] & 0x7F)] if field["type"] else []
            return out + [self.scalar(field[f"src{index}"], bits[index]) for index in range(2)
                          if bits[index]]
        if form.startswith("VOP"):
            return self.vector_operands(name, bits)
        data = "a" if field["acc"] else "v"
        dwords = (field["type"] + 3) // 4
        if form == "FLAT":
            wide = 1 if field["segment"] == 1 or field["saddr"] != OFF else 2
            out = []
            address = "off" if field["address"] == OFF else self.span("v", field["address"], wide)
            if self.kind("VLOAD") or field["returns"] and self.kind("VATOMIC"):
                out.append(self.span(data, field["dst"], dwords))
            out.append(address)
            if not self.kind("VLOAD"):
                double = 2 if "cmpswap" in name else 1
                out.append(self.span(data, field["data0"], dwords * double))
            if field["segment"]:
                out.append("off" if field["saddr"] == OFF else
                           self.scalar(field["saddr"], 64 if field["segment"] == 2 else 32))
            return out + ([f"offset:{field['offset']}"] if field["offset"] else [])
        if form == "DS":
            if self.kind("LSWIZZLE"):
                return None
            twice = self.kind("LLOAD2", "LSTORE2")
            out = []
            if self.kind("LLOAD", "LLOAD2", "LATOMIC_RTN", "LPERMUTE", "LBPERMUTE"):
                out.append(self.span(data, field["dst"], max(dwords, 1) * (1 + twice)))
            if "gws" in name:
                return None
            out.append(f"v{field['address']}")
            if not self.kind("LLOAD", "LLOAD2"):
                out.append(self.span(data, field["data0"], max(dwords, 1)))
            if self.kind("LSTORE2") or "cmpst" in name or "mskor" in name:
                out.append(self.span(data, field["data1"], dwords))
            if twice:
                return out + [f"offset{index}:{field[f'offset{index}']}" for index in range(2)
                              if field[f"offset{index}"]]
            return out + ([f"offset:{field['offset']}"] if field["offset"] else [])
        if form == "SMEM" and self.kind("SLOAD", "SSTORE"):
            out = [self.scalar(field["dst"], 32 * dwords), self.scalar(field["src0"], 64)]
            if field["saddr"] != OFF:
                out.append(self.scalar(field["saddr"], 32))
            return out + [f"offset:{field['offset']}"]
        return None

    def vector_operands(self, name, bits):
        field = self.field
        mask = self.lanes

        def source(index, width):
            code = field[f"src{index}"]
            if code < 256:
                return self.scalar(code, width)
            return self.span("v", code - 256, 2 if width > 32 else 1)
        out = []
        if self.kind("VCMP") or self.kind("VCMPX") and self.generation == 9:
            out.append(self.scalar(field["dst"], mask))
        elif name in ("v_readlane_b32", "v_readfirstlane_b32"):
            out.append(self.scalar(field["dst"], 32))
        elif name in ("v_accvgpr_write_b32", "v_accvgpr_mov_b32"):
            out.append(f"a{field['dst']}")
        elif not self.kind("VCMPX"):
            out.append(self.span("v", field["dst"], 2 if field["type"] & 0x7F > 32 else 1))
        if self.kind("VCARRY", "VCARRYIN", "VMAD64"):
            out.append(self.scalar(field["sdst"], mask))
        for index in range(3):
            if bits[index]:
                text = source(index, bits[index])
                if name in ("v_accvgpr_read_b32", "v_accvgpr_mov_b32"):
                    text = text.replace("v", "a")
                out.append(text)
        if self.kind("VCARRYIN", "VCNDMASK"):
            out.append(self.scalar(field["src2"], mask))
        return out

    def entry(self, form, opcode, segment):
        there = self.library.isa_entry(self.version, form, opcode, segment, self.name,
                                       ctypes.c_size_t(len(self.name)))
        return self.name.value.decode() if there else None


def llvm_operands(text, form):
    """The same list from LLVM's text."""
    rest = text.split(None, 1)[1] if " " in text or "\t" in text else ""
    words = [word for word in re.split(r"[,\s]+", rest) if word]
    out, offset = [], 0
    for word in words:
        if word.startswith("offset"):
            name, number = word.split(":")
            if form == "SMEM":
                offset = int(number, 0)
            else:
                out.append(f"{name}:{int(number, 0)}")
        elif form == "SMEM" and word == "null":
            continue
        elif form == "SMEM" and re.fullmatch(r"-?(0x)?[0-9a-f]+", word):
            offset = int(word, 0)
        elif re.match(r"(glc|slc|dlc|nt|nv|sc0|sc1|scc|gds|th:|scope:)", word):
            continue
        elif word.startswith("0.159154943"):
            out.append("0.15915494")
        elif re.fullmatch("0x[0-9a-f]+", word):
            out.append(f"0x{int(word, 16) & 0xFFFFFFFF:x}")
        else:
            out.append(word)
    return out + ([f"offset:{offset}"] if form == "SMEM" else [])


# Where an encoding has its opcode: bits of the first word that do not change, its lowest bit and
# number of bits; and its operands: word, lowest bit, bits.
def encodings(generation):
    nine, twelve = generation == 9, generation == 12
    vop3 = [(0, 0, 8), (0, 8, 7), (0, 8, 8), (1, 0, 9), (1, 9, 9), (1, 18, 9), (1, 27, 5)]
    ds = [(0, 0, 16), (1, 0, 8), (1, 8, 8), (1, 16, 8), (1, 24, 8)]
    out = [
        ("SOP2", 0x80000000, 23, 7, 1, [(0, 0, 8), (0, 8, 8), (0, 16, 7)]),
        ("SOPK", 0xB0000000, 23, 5, 1, [(0, 0, 16), (0, 16, 7), (1, 0, 32)]),
        ("SOP1", 0xBE800000, 8, 8, 1, [(0, 0, 8), (0, 16, 7)]),
        ("SOPC", 0xBF000000, 16, 7, 1, [(0, 0, 8), (0, 8, 8)]),
        ("SOPP", 0xBF800000, 16, 7, 1, [(0, 0, 16), (0, 0, 4)]),
        ("VOP2", 0, 25, 6, 1, [(0, 0, 9), (0, 9, 8), (0, 17, 8)]),
        ("VOP1", 0x7E000000, 9, 8, 1, [(0, 0, 9), (0, 17, 8)]),
        ("VOPC", 0x7C000000, 17, 8, 1, [(0, 0, 9), (0, 9, 8)]),
        ("VOP3P", 0xD3804000, 16, 7, 2,
         [(0, 0, 8), (1, 0, 9), ("or", 1, 0x18000000)]),
        ("VOP3", 0xD0000000 if nine else 0xD4000000, 16, 10, 2, vop3),
    ]
    if nine:
        out += [
            ("SMEM", 0xC0000000, 18, 8, 2,
             [(0, 0, 6), (0, 6, 7), (0, 14, 1), (0, 16, 2), (1, 0, 7), (1, 0, 21), (1, 25, 7)]),
            ("FLAT", 0xDC000000, 18, 7, 2,
             [(0, 0, 13), (0, 13, 1), (0, 14, 2), (0, 16, 2), (0, 25, 1), (1, 0, 8), (1, 8, 8),
              (1, 16, 7), (1, 23, 1), (1, 24, 8)]),
            ("DS", 0xD8000000, 17, 8, 2, [*ds, (0, 16, 1), (0, 25, 1)]),
            ("MUBUF", 0xE0000000, 18, 7, 2, [(0, 15, 1)]),
        ]
    else:
        if not twelve:
            saddr = 0x7D0000 if generation == 10 else 0x7C0000
            flat = [(0, 0, 13), (0, 13, 1), (0, 14, 4), (1, 0, 8), (1, 8, 8), (1, 16, 7),
                    (1, 23, 1), (1, 24, 8), ("or", 1, saddr)]
            out += [
                ("SMEM", 0xF4000000, 18, 8, 2,
                 [(0, 0, 6), (0, 6, 7), (0, 13, 4), (1, 0, 21), (1, 25, 7),
                  ("or", 1, saddr << 9)]),
                ("FLAT", 0xDC000000, 18, 7, 2, flat),
                ("DS", 0xD8000000, 18, 8, 2, [*ds, (0, 17, 1)]),
                ("MUBUF", 0xE0000000, 18, 8, 2, [("or", 1, 0x7C000000)]),
            ]
        else:
            out += [
                ("SMEM", 0xF4000000, 13, 6, 2,
                 [(0, 0, 6), (0, 6, 7), (0, 21, 4), (1, 0, 24), (1, 25, 7),
                  ("or", 1, 0xF8000000)]),
                ("DS", 0xD8000000, 18, 8, 2, ds),
            ] + [("FLAT", 0xEC000000 | segment << 24, 14, 8, 3,
                  [(0, 0, 7), (1, 0, 8), (1, 17, 1), (1, 18, 5), (1, 20, 1), (1, 23, 8), (2, 0, 8),
                   (2, 8, 24), ("or", 0, 0x7C)]) for segment in range(3)]
    return out


def fill(numbers, words, fields):
    """Random operands: some fields stay 0, and vector registers are likely in those of 9 bits."""
    for field in fields:
        if field[0] == "or":
            if numbers.random() < 0.7:
                words[field[1]] |= field[2]
            continue
        word, low, bits = field
        value = numbers.getrandbits(bits)
        if numbers.random() < 0.5:
            continue
        if bits == 9 and numbers.random() < 0.6:
            value |= 256
        elif numbers.random() < 0.5:
            value &= ~3
        words[word] |= value << low & 0xFFFFFFFF


def compare(decoder, disassembler, words):
    """What is wrong, or None; and the name if both agree on an instruction that is executed."""
    executed, name, size = decoder(words)
    known = name.split(":")[0]
    # LLVM is not asked about what is unknown, or SDWA, or DPP: it does not survive some of that.
    if not executed and (" " in known or SDWA_DPP & {words[0] & 0x1FF, words[1] & 0x1FF}):
        return None, None
    llvm_size, text = disassembler(words)
    shown = " ".join(f"{word:08x}" for word in words)
    if executed:
        if not llvm_size and words[0] >> 23 == 0x17F:
            # Some have no immediate, and nobody minds what is there.
            llvm_size, text = disassembler([words[0] & 0xFFFF0000, *words[1:]])
        if not llvm_size:
            return f"{shown}: {name} is no instruction for LLVM", None
        if llvm.operation(text) != name or llvm_size != size:
            return f"{shown}: {name} of {size} bytes, for LLVM {text} of {llvm_size}", None
        operands = decoder.operands(name)
        if operands is not None:
            wanted = llvm_operands(text, FORMATS[decoder.field["format"]])
            if operands != wanted:
                return f"{shown}: {name} {operands}, for LLVM {text} {wanted}", None
        if FLOAT.search(name):
            return f"{shown}: {name} computes with floating point numbers", None
        return None, name
    if llvm_size and known != llvm.operation(text):
        return f"{shown}: refused as {name}, for LLVM {text}", None
    return None, None


def check(library, processor, lanes, seed, rounds, at_random):
    """Complaints, how many words were compared, how many operations agree, and which do not."""
    numbers = random.Random(f"{seed} {processor} {lanes}")
    generation = llvm.generation(processor)
    decoder = Decoder(library, processor, lanes)
    disassembler = llvm.Disassembler(processor, lanes)
    complaints, seen, expected, count = [], set(), set(), 0

    def attempt(words):
        nonlocal count
        complaint, name = compare(decoder, disassembler, words)
        count += 1
        if complaint:
            complaints.append(complaint)
        return name

    for form, base, shift, bits, length, fields in encodings(generation):
        index = FORMATS.index(form)
        segments = range(3) if form == "FLAT" else (0,)
        if form == "FLAT" and generation == 12:
            segments = (base >> 24 & 3,)
        for opcode in range(1 << bits):
            missing = {decoder.entry(index, opcode, segment) for segment in segments} - {None}
            if generation >= 10 and lanes == 64:
                missing -= {"ds_permute_b32", "ds_bpermute_b32"}
            expected |= missing
            tries = 0
            while tries < rounds or (missing and tries < PATIENCE):
                words = [base, *(numbers.getrandbits(32) for _ in range(4))]
                words[1:length] = [0] * (length - 1)
                words[0] |= opcode << shift
                if numbers.random() < 0.9:
                    fill(numbers, words, fields)
                name = attempt(words)
                seen.add(name)
                missing.discard(name)
                tries += 1
    for _ in range(at_random):
        attempt([numbers.getrandbits(32) for _ in range(4)])
    return complaints, count, seen & expected, expected - seen
