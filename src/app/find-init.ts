import { closeSync, openSync, readSync, realpathSync } from 'node:fs';
import { findProgram } from '../base/find-program.ts';

/** What distributions call a small program that is process 1 of a container: docker's name for it first. */
const NAMES = ['docker-init', 'catatonit', 'tini-static', 'tini'];
/** Where docker and podman put theirs, beside the folders of PATH. */
const FOLDERS = ['libexec/docker', 'lib/docker', 'libexec/podman', 'lib/podman', 'bin', 'sbin'].flatMap(
  (folder) => [`/usr/local/${folder}`, `/usr/${folder}`],
);

/** The path of an init program on this machine that runs in any image, because it is linked statically; undefined if there is none. */
export function findInit(searchPath: string, others: readonly string[] = FOLDERS): string | undefined {
  const folders = [searchPath, ...others].join(':');
  for (const name of NAMES) {
    const found = findProgram(name, folders);
    if (found !== undefined && isStatic(found)) return realpathSync(found);
  }
  return undefined;
}

/** elf(5), for 64 bits and little-endian, as both our architectures are: a program that asks for a loader has a program header PT_INTERP. */
function isStatic(path: string): boolean {
  const head = Buffer.alloc(4096);
  const length = readHead(path, head);
  if (length < 64 || head.readUInt32BE(0) !== 0x7f454c46 || head[4] !== 2 || head[5] !== 1) return false;
  const start = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let at = 0; at < count; at++) {
    const header = start + at * size;
    // They follow the file's own header; elsewhere they are looked for by nobody.
    if (header + 4 > length) return false;
    if (head.readUInt32LE(header) === PT_INTERP) return false;
  }
  return count > 0;
}

const PT_INTERP = 3;

/** How many bytes; none of a program that may be run and not read. */
function readHead(path: string, head: Buffer): number {
  try {
    const fd = openSync(path, 'r');
    try {
      return readSync(fd, head, 0, head.length, 0);
    } finally {
      closeSync(fd);
    }
  } catch {
    return 0;
  }
}
