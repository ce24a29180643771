import { closeSync, openSync, writeSync } from 'node:fs';
import { END_BYTES, encodeHeaderInto } from '../src/tar/encoder.ts';
import type { TarHeader } from '../src/tar/header.ts';

const BUFFER_BYTES = 4 * 1024 * 1024;
const HEADER_ROOM = 64 * 1024;

/** A tar of `count` empty files in folders of 1000. */
export function writeManyEntries(path: string, count: number): void {
  const fd = openSync(path, 'w');
  const buffer = Buffer.alloc(BUFFER_BYTES);
  let filled = 0;
  const add = (name: string, kind: TarHeader['kind']): void => {
    if (filled + HEADER_ROOM > buffer.length) {
      writeSync(fd, buffer, 0, filled);
      filled = 0;
    }
    filled += encodeHeaderInto(buffer, filled, {
      name,
      kind,
      mode: kind === 'file' ? 0o644 : 0o755,
      uid: 0,
      gid: 0,
      size: 0,
      mtime: { seconds: 1_700_000_000, nanos: 0 },
      linkName: '',
      uname: '',
      gname: '',
    });
  };
  for (let at = 0; at < count; at++) {
    if (at % 1000 === 0) add(`folder-${at / 1000}`, 'directory');
    else add(`folder-${Math.floor(at / 1000)}/a-file-with-a-usual-name-${at}.txt`, 'file');
  }
  writeSync(fd, buffer, 0, filled);
  writeSync(fd, Buffer.alloc(END_BYTES));
  closeSync(fd);
}
