import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Deterministic bytes that compress to about half, different for every seed. */
export function fillerBytes(size: number, seed: number): Buffer {
  const bytes = Buffer.alloc(size);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let at = 0; at + 8 <= size; at += 8) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt32LE(state, at);
  }
  return bytes;
}

/** A folder with `count` files of `size` bytes in folders of 100, new contents for every seed. */
export function writeTree(folder: string, count: number, size: number, seed: number): void {
  rmSync(folder, { recursive: true, force: true });
  for (let at = 0; at < count; at++) {
    const below = join(folder, `d${Math.floor(at / 100)}`);
    if (at % 100 === 0) mkdirSync(below, { recursive: true });
    writeFileSync(join(below, `f${at}`), fillerBytes(size, seed * 1_000_003 + at));
  }
}

/** A context of one Dockerfile and small files. */
export function writeContext(
  folder: string,
  dockerfile: string,
  files: Readonly<Record<string, string>> = {},
): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'Dockerfile'), dockerfile);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}
