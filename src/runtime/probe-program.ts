import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A program that ends with 0 and needs nothing: for trying out a runtime in an otherwise empty root. */
export interface ProbeProgram {
  /** In the container. */
  readonly path: string;
  writeInto(root: string): void;
}

/** The machine code of `exit(0)` by Node's name of the architecture. */
const EXIT: Readonly<Record<string, { readonly machine: number; readonly code: readonly number[] }>> = {
  // mov eax, 60; xor edi, edi; syscall
  x64: { machine: 62, code: [0xb8, 0x3c, 0, 0, 0, 0x31, 0xff, 0x0f, 0x05] },
  // mov x8, #93; mov x0, #0; svc #0
  arm64: { machine: 183, code: [0xa8, 0x0b, 0x80, 0xd2, 0, 0, 0x80, 0xd2, 0x01, 0, 0, 0xd4] },
};

/** Undefined for an architecture whose code is not known here. */
export function probeProgram(arch: string): ProbeProgram | undefined {
  const exit = EXIT[arch];
  if (exit === undefined) return undefined;
  return {
    path: '/probe',
    writeInto(root) {
      const path = join(root, 'probe');
      writeFileSync(path, elf(exit.machine, exit.code));
      chmodSync(path, 0o755);
    },
  };
}

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const LOAD_ADDRESS = 0x400000;
const CODE_OFFSET = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;

/** elf(5): a 64-bit little-endian executable of one segment. */
function elf(machine: number, code: readonly number[]): Buffer {
  const file = Buffer.alloc(CODE_OFFSET + code.length);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(machine, 18);
  file.writeUInt32LE(1, 20);
  file.writeUInt32LE(LOAD_ADDRESS + CODE_OFFSET, 24);
  file.writeUInt32LE(ELF_HEADER_BYTES, 32);
  file.writeUInt16LE(ELF_HEADER_BYTES, 52);
  file.writeUInt16LE(PROGRAM_HEADER_BYTES, 54);
  file.writeUInt16LE(1, 56);
  const segment = ELF_HEADER_BYTES;
  file.writeUInt32LE(1, segment);
  file.writeUInt32LE(5, segment + 4);
  file.writeUInt32LE(LOAD_ADDRESS, segment + 16);
  file.writeUInt32LE(LOAD_ADDRESS, segment + 24);
  file.writeUInt32LE(file.length, segment + 32);
  file.writeUInt32LE(file.length, segment + 40);
  file.writeUInt32LE(0x1000, segment + 48);
  file.set(code, CODE_OFFSET);
  return file;
}
