import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mknod, S_IFCHR } from '../linux/nodes.ts';

/** A program that needs nothing but itself: for trying out a runtime in an otherwise empty root. */
export interface ProbeProgram {
  /** In the container. */
  readonly path: string;
  /** Writes the program, and where that is allowed a device file, into a root. */
  writeInto(root: string): void;
}

/** The probe's exit code when a device file of the root could be opened: this runtime would show the host's disks to root in a container. */
export const PROBE_DEVICES_OPEN = 1;

/**
 * The machine code of `exit(open("/null", O_RDONLY) >= 0)` by Node's name of the architecture; the path comes right after it.
 * x64: mov eax, 2; lea rdi, [rip+19]; xor esi, esi; syscall; xor edi, edi; test eax, eax; setns dil; mov eax, 60; syscall
 * arm64: mov x8, 56; mov x0, -100; adr x1, 28; mov x2, 0; svc 0; lsr x0, x0, 63; eor x0, x0, 1; mov x8, 93; svc 0
 */
const PROBE: Readonly<Record<string, { readonly machine: number; readonly code: string }>> = {
  x64: { machine: 62, code: 'b802000000488d3d1300000031f60f0531ff85c0400f99c7b83c0000000f05' },
  arm64: { machine: 183, code: '080780d2600c8092e1000010020080d2010000d400fc7fd3000040d2a80b80d2010000d4' },
};
const DEVICE = 'null';

/** Undefined for an architecture whose code is not known here. */
export function probeProgram(arch: string): ProbeProgram | undefined {
  const probe = PROBE[arch];
  if (probe === undefined) return undefined;
  return {
    path: '/probe',
    writeInto(root) {
      const path = join(root, 'probe');
      const code = Buffer.concat([Buffer.from(probe.code, 'hex'), Buffer.from(`/${DEVICE}\0`)]);
      writeFileSync(path, elf(probe.machine, code));
      chmodSync(path, 0o755);
      try {
        mknod(join(root, DEVICE), S_IFCHR | 0o666, 1, 3);
      } catch {
        // An ordinary user cannot make one: then no container of theirs can hold one either.
      }
    },
  };
}

const ELF_HEADER_BYTES = 64;
const PROGRAM_HEADER_BYTES = 56;
const LOAD_ADDRESS = 0x400000;
const CODE_OFFSET = ELF_HEADER_BYTES + PROGRAM_HEADER_BYTES;

/** elf(5): a 64-bit little-endian executable of one segment. */
function elf(machine: number, code: Uint8Array): Buffer {
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
