import { createHash } from 'node:crypto';
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { END_BYTES, encodeHeaderInto } from '../src/tar/encoder.ts';
import { measurePairs, type Side } from './measure.ts';
import { type Bench, dobosSide, type Row } from './rows.ts';

const BLOCK = 512;
/** Bytes of the one file of the sparse image. */
const SPARSE_BYTES = 10_000_000_000;

const forgetIndexes =
  ({ store }: Bench) =>
  (): void =>
    rmSync(join(store, 'notes'), { recursive: true, force: true });

const cat = (archive: string): Side => ({
  name: 'cat',
  command: () => ['/bin/sh', '-c', 'cat "$0" >/dev/null', archive],
});

export const EXPLORE_ROWS: readonly Row[] = [
  {
    name: 'hold the same archive to rules (`explore --ci`), cold',
    targets: [{ kind: 'ratio', most: 0.25, of: 'dive' }],
    measure(bench) {
      const { dive } = bench.peers;
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => ['explore', '--ci', bench.archive], forgetIndexes(bench)),
        cat(bench.archive),
        ...(dive === undefined
          ? []
          : [
              {
                name: 'dive',
                command: () => [dive, '--ci', '--source', 'docker-archive', bench.archive],
                env: { CI: 'true' },
              },
            ]),
      ]);
    },
  },
  {
    name: 'explore an archive with a file of 10 GB (holes), cold',
    targets: [],
    measure(bench) {
      const archive = join(bench.work, 'sparse.tar');
      writeSparseImage(archive);
      const sides = [
        dobosSide(bench, () => ['explore', '--summary', archive], forgetIndexes(bench)),
        cat(archive),
      ];
      return measurePairs(bench.work, 1, sides, { warmUp: false });
    },
  },
];

/** A docker-archive of one layer with one file of zeros; on a disk it takes what its headers take. */
function writeSparseImage(path: string): void {
  const head = header('zeros', SPARSE_BYTES);
  const zeros = roundUp(SPARSE_BYTES) + END_BYTES;
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    config: {},
    rootfs: { type: 'layers', diff_ids: [digestOf(head, zeros)] },
    history: [{ created_by: 'COPY zeros /' }],
  });
  const manifest = JSON.stringify([
    { Config: 'config.json', RepoTags: ['sparse:latest'], Layers: ['layer.tar'] },
  ]);
  const fd = openSync(path, 'w');
  let at = 0;
  const put = (bytes: Uint8Array): void => {
    at += writeSync(fd, bytes, 0, bytes.length, at);
  };
  for (const [name, text] of [
    ['config.json', config],
    ['manifest.json', manifest],
  ] as const) {
    const bytes = Buffer.from(text);
    put(header(name, bytes.length));
    put(bytes);
    at = roundUp(at);
  }
  put(header('layer.tar', head.length + zeros));
  put(head);
  ftruncateSync(fd, roundUp(at + zeros) + END_BYTES);
  closeSync(fd);
}

const roundUp = (bytes: number): number => Math.ceil(bytes / BLOCK) * BLOCK;

function header(name: string, size: number): Buffer {
  const buffer = Buffer.alloc(64 * 1024);
  const length = encodeHeaderInto(buffer, 0, {
    name,
    kind: 'file',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size,
    mtime: { seconds: 1_700_000_000, nanos: 0 },
    linkName: '',
    uname: '',
    gname: '',
  });
  return buffer.subarray(0, length);
}

function digestOf(head: Uint8Array, zeros: number): string {
  const hash = createHash('sha256').update(head);
  const block = Buffer.alloc(4 * 1024 * 1024);
  for (let left = zeros; left > 0; left -= block.length)
    hash.update(block.subarray(0, Math.min(left, block.length)));
  return `sha256:${hash.digest('hex')}`;
}
