import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeContext, writeTree } from './inputs.ts';
import { type Measured, measurePairs, type Side } from './measure.ts';
import { must, type Peers } from './peers.ts';

export interface Bench {
  readonly work: string;
  readonly peers: Peers;
  readonly rounds: number;
  /** The store with the base and the big image. */
  readonly store: string;
  readonly archive: string;
  /** How this build of Dobos is started. */
  readonly dobos: readonly string[];
}

export interface Row {
  readonly name: string;
  /** Highest ratio of dobos to each peer, or highest seconds of dobos alone, in the order of the other sides, or of the side that is named; one that is not there has no target. */
  readonly targets: readonly {
    readonly kind: 'ratio' | 'seconds-over';
    readonly most: number;
    readonly of?: string;
  }[];
  measure(bench: Bench): Measured[] | Promise<Measured[]>;
}

export const DOBOS = [process.execPath, join(process.cwd(), 'dist', 'dobos.cjs')];
export const dobosSide = (
  bench: Bench,
  args: (round: number) => readonly string[],
  prepare?: (round: number) => void,
  runtime = 'auto',
): Side => ({
  name: 'dobos',
  command: (round) => [...DOBOS, ...args(round)],
  env: { DOBOS_ROOT: bench.store, DOBOS_RUNTIME: runtime },
  ...(prepare === undefined ? {} : { prepare }),
});
export const dockerSide = (
  bench: Bench,
  args: (round: number) => readonly string[],
  prepare?: (round: number) => void,
): Side => ({
  name: 'docker',
  command: (round) => bench.peers.docker(...args(round)),
  env: bench.peers.dockerEnv,
  ...(prepare === undefined ? {} : { prepare }),
});
const buildahBuild = (
  bench: Bench,
  folder: (round: number) => string,
  prepare?: (round: number) => void,
): Side => ({
  name: 'buildah',
  command: (round) =>
    bench.peers.buildah(
      'bud',
      '--layers',
      '--isolation',
      'oci',
      '--runtime',
      'runc',
      '--network',
      'host',
      '-q',
      '-t',
      'bench',
      folder(round),
    ),
  ...(prepare === undefined ? {} : { prepare }),
});
export const build = (folder: string): string[] => ['build', '--network=host', '-q', '-t', 'bench', folder];

const twentySteps = (nonce: string): string =>
  ['FROM bench-base', 'ENV A=1', 'WORKDIR /app', 'COPY one.txt ./', 'LABEL bench=cached']
    .concat(
      Array.from({ length: 14 }, (_, at) => `RUN echo ${nonce}${at} > /f${at}`),
      'CMD ["/bin/true"]',
    )
    .join('\n');
const twentyRuns = (nonce: string): string =>
  ['FROM bench-base', ...Array.from({ length: 20 }, (_, at) => `RUN echo ${nonce}-${at} > /f${at}`)].join(
    '\n',
  );

/** Pulls into an empty store, or into one that has it. */
function measurePull(bench: Bench, fresh: boolean): Measured[] {
  const [store, layout] = [join(bench.work, 'pull-store'), join(bench.work, 'pull-layout')];
  const name = `${bench.peers.registry}/big:gzip`;
  const empty = (folder: string) => () => {
    if (fresh) rmSync(folder, { recursive: true, force: true });
  };
  return measurePairs(bench.work, bench.rounds, [
    {
      name: 'dobos',
      prepare: empty(store),
      command: () => [...DOBOS, 'pull', '-q', name],
      env: { DOBOS_ROOT: store },
    },
    {
      name: 'skopeo',
      prepare: empty(layout),
      command: () =>
        bench.peers.skopeo('copy', '-q', '--src-tls-verify=false', `docker://${name}`, `oci:${layout}:big`),
    },
  ]);
}

/** The context of the rows of COPY. */
function writeCopy(folder: string, seed: number): void {
  writeTree(join(folder, 'files'), 20_000, 8_000, seed);
  writeContext(folder, 'FROM bench-base\nCOPY files /files\n');
}

export const ROWS: readonly Row[] = [
  {
    name: 'nothing changed: 20-step build, all cached',
    targets: [
      { kind: 'ratio', most: 0.6 },
      { kind: 'ratio', most: 0.6 },
    ],
    measure(bench) {
      const folder = join(bench.work, 'cached');
      writeContext(folder, twentySteps('cached'), { 'one.txt': 'one\n' });
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => build(folder)),
        dockerSide(bench, () => build(folder)),
        buildahBuild(bench, () => folder),
      ]);
    },
  },
  {
    name: '20 small RUN steps, cold (runc in each)',
    targets: [
      { kind: 'ratio', most: 0.8 },
      { kind: 'ratio', most: 0.35 },
    ],
    measure(bench) {
      const folder = (round: number): string => join(bench.work, `runs-${round}`);
      const prepare = (round: number): void => writeContext(folder(round), twentyRuns(`r${round}`));
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, (round) => build(folder(round)), prepare, 'runc'),
        dockerSide(bench, (round) => build(folder(round))),
        buildahBuild(bench, folder),
      ]);
    },
  },
  {
    name: '20 small RUN steps, cold, over the runtime that is chosen (crun, where it works)',
    targets: [{ kind: 'ratio', most: 0.8 }],
    measure(bench) {
      const folder = (round: number): string => join(bench.work, `chosen-${round}`);
      const prepare = (round: number): void => writeContext(folder(round), twentyRuns(`c${round}`));
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, (round) => build(folder(round)), prepare),
        dockerSide(bench, (round) => build(folder(round))),
      ]);
    },
  },
  {
    name: 'COPY of 20,000 files, 160 MB, cold',
    targets: [{ kind: 'ratio', most: 0.5 }],
    measure(bench) {
      const folder = join(bench.work, 'copy');
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(
          bench,
          () => build(folder),
          (round) => writeCopy(folder, round + 1),
        ),
        dockerSide(bench, () => build(folder)),
      ]);
    },
  },
  {
    name: 'COPY of 20,000 files, 160 MB, cached',
    targets: [{ kind: 'ratio', most: 0.6 }],
    measure(bench) {
      const folder = join(bench.work, 'copy');
      writeCopy(folder, 0);
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => build(folder)),
        dockerSide(bench, () => build(folder)),
      ]);
    },
  },
  {
    name: 'unpack a 640 MB image of three gzip layers',
    targets: [{ kind: 'ratio', most: 0.5 }],
    measure(bench) {
      const bundle = join(bench.work, 'bundle');
      const task = join(process.cwd(), 'dist', 'bench-unpack-task.js');
      return measurePairs(bench.work, bench.rounds, [
        {
          name: 'dobos',
          prepare: () => rmSync(join(bench.store, 'snapshots'), { recursive: true, force: true }),
          command: () => [process.execPath, task, bench.store, 'big-gzip'],
        },
        {
          name: 'umoci',
          prepare: () => rmSync(bundle, { recursive: true, force: true }),
          command: () => [
            '/usr/bin/umoci',
            'unpack',
            '--image',
            `${join(bench.work, 'big-layout')}:big`,
            bundle,
          ],
        },
      ]);
    },
  },
  {
    name: 'save the same image, uncompressed',
    targets: [{ kind: 'ratio', most: 0.4 }],
    measure(bench) {
      const out = (name: string): string => join(bench.work, `save-${name}.tar`);
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(
          bench,
          () => ['save', '-o', out('dobos'), 'big-gzip'],
          () => rmSync(out('dobos'), { force: true }),
        ),
        dockerSide(
          bench,
          () => ['save', '-o', out('docker'), 'big-gzip'],
          () => rmSync(out('docker'), { force: true }),
        ),
      ]);
    },
  },
  {
    name: 'index the same archive for exploring, cold',
    targets: [{ kind: 'ratio', most: 0.5 }],
    measure(bench) {
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(
          bench,
          () => ['explore', '--report', bench.archive],
          () => rmSync(join(bench.store, 'notes'), { recursive: true, force: true }),
        ),
        { name: 'sha256sum', command: () => ['/usr/bin/sha256sum', bench.archive] },
      ]);
    },
  },
  {
    name: 'index the same archive for exploring, again',
    targets: [{ kind: 'seconds-over', most: 0.15 }],
    measure(bench) {
      return measurePairs(bench.work, bench.rounds, [
        dobosSide(bench, () => ['explore', '--report', bench.archive]),
        { name: 'node -e 0', command: () => [process.execPath, '-e', '0'] },
      ]);
    },
  },
  {
    name: 'pull the same image over loopback from docker-registry',
    targets: [{ kind: 'ratio', most: 0.8 }],
    measure: (bench) => measurePull(bench, true),
  },
  {
    name: 'pull it again: nothing to fetch',
    targets: [],
    measure: (bench) => measurePull(bench, false),
  },
  {
    name: 'start: dobos version',
    targets: [{ kind: 'seconds-over', most: 0.04 }],
    measure(bench) {
      return measurePairs(bench.work, Math.max(bench.rounds, 11), [
        dobosSide(bench, () => ['version']),
        { name: 'node -e 0', command: () => [process.execPath, '-e', '0'] },
      ]);
    },
  },
];

/** Loads the base and the big image into every tool and the registry; the store and the archive of the big image. */
export function prepareBench(work: string, peers: Peers): Pick<Bench, 'store' | 'archive' | 'dobos'> {
  const store = join(work, 'store');
  const archive = join(work, 'big.tar');
  mkdirSync(store, { recursive: true });
  must([
    process.execPath,
    join(process.cwd(), 'dist', 'bench-images-task.js'),
    store,
    join(work, 'big-layout'),
  ]);
  const env = { DOBOS_ROOT: store };
  const base = join(work, 'base.tar');
  must([...DOBOS, 'save', '-o', base, 'bench-base'], env);
  must([...DOBOS, 'save', '-o', archive, 'big-gzip'], env);
  for (const file of [base, archive]) must(peers.docker('load', '-i', file), peers.dockerEnv);
  must(peers.buildah('pull', `docker-archive:${base}`));
  const big = [`oci:${join(work, 'big-layout')}:big`, `docker://${peers.registry}/big:gzip`];
  must(peers.skopeo('copy', '-q', '--preserve-digests', '--dest-tls-verify=false', ...big));
  must([...DOBOS, 'run', 'bench-base', '/bin/true'], env);
  must(peers.docker('run', '--rm', '--network=host', 'bench-base', '/bin/true'), peers.dockerEnv);
  return { store, archive, dobos: DOBOS };
}
