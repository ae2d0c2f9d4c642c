# SPDX-License-Identifier: GPL-2.0
"""LLVM's assembler and disassembler for AMDGPU, the judge of what an instruction is."""

import ctypes
import re
import subprocess
import tempfile
from pathlib import Path

VERSION = 19
# LLVM's name of a processor, and the version of its graphics and compute block
PROCESSORS = {
    "gfx900": 0x09000100,
    "gfx906": 0x09040000,
    "gfx908": 0x09040100,
    "gfx90a": 0x09040200,
    "gfx942": 0x09040300,
    "gfx1030": 0x0A030000,
    "gfx1100": 0x0B000000,
    "gfx1200": 0x0C000000,
}


class Missing(Exception):
    """Something of LLVM is not installed."""


def generation(processor):
    return 9 if processor.startswith("gfx9") else int(processor[3:5])


def features(lanes):
    return f"+wavefrontsize{lanes},-wavefrontsize{96 - lanes}"


class Disassembler:
    """Decodes one instruction at a time."""

    library = None

    def __init__(self, processor, lanes):
        if not Disassembler.library:
            Disassembler.library = self.load()
        llvm = self.library
        wave = features(lanes) if generation(processor) >= 10 else ""
        self.handle = llvm.LLVMCreateDisasmCPUFeatures(
            b"amdgcn-amd-amdhsa", processor.encode(), wave.encode(), None, 0, None, None)
        if not self.handle:
            raise Missing(f"LLVM has no disassembler for {processor}")
        self.buffer = ctypes.create_string_buffer(256)

    @staticmethod
    def load():
        try:
            llvm = ctypes.CDLL(f"libLLVM.so.{VERSION}.1")
        except OSError as error:
            raise Missing(str(error)) from error
        for what in ("TargetInfo", "Target", "TargetMC", "Disassembler"):
            getattr(llvm, f"LLVMInitializeAMDGPU{what}")()
        llvm.LLVMCreateDisasmCPUFeatures.restype = ctypes.c_void_p
        llvm.LLVMCreateDisasmCPUFeatures.argtypes = [
            ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int,
            ctypes.c_void_p, ctypes.c_void_p]
        llvm.LLVMDisasmInstruction.restype = ctypes.c_size_t
        llvm.LLVMDisasmInstruction.argtypes = [
            ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_char_p,
            ctypes.c_size_t]
        return llvm

    def __call__(self, words):
        """Bytes and text of the first instruction; 0 bytes if there is none."""
        code = b"".join(word.to_bytes(4, "little") for word in words)
        size = self.library.LLVMDisasmInstruction(self.handle, code, len(code), 0, self.buffer,
                                                  len(self.buffer))
        return size, self.buffer.value.decode().strip() if size else ""


def operation(text):
    """The name of an operation, without what LLVM adds for the encoding."""
    return re.sub(r"_(e32|e64|e64_dpp|dpp|sdwa)$", "", text.split()[0])


def assemble(processor, lanes, source):
    """Machine code of a program."""
    with tempfile.TemporaryDirectory() as folder:
        text, elf, code = (Path(folder) / name for name in ("in.s", "out.o", "out.bin"))
        text.write_text(source)
        wave = [f"-mattr={features(lanes)}"] if generation(processor) >= 10 else []
        try:
            subprocess.run([f"llvm-mc-{VERSION}", "-arch=amdgcn", f"-mcpu={processor}", *wave,
                            "-filetype=obj", "-o", elf, text], check=True, capture_output=True,
                           text=True)
            subprocess.run([f"llvm-objcopy-{VERSION}", "-O", "binary", "-j", ".text", elf, code],
                           check=True, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise Missing(str(error)) from error
        except subprocess.CalledProcessError as error:
            raise ValueError(f"{processor}: {error.stderr}") from error
        return code.read_bytes()
