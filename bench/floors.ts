import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeManyEntries } from './many-entries.ts';
import { type Measured, measurePairs, type Side } from './measure.ts';
import type { Bench } from './rows.ts';

/** Entries of the archive that shows what memory grows with. */
const MANY = 1_000_000;

/** What the work costs without anybody's tool around it, in the same run; and memory with a million entries. Lines of Markdown. */
export function measureFloors(bench: Bench): string[] {
  const { work, rounds, archive } = bench;
  const bundle = join(work, 'floor-bundle');
  mkdirSync(join(bundle, 'rootfs', 'bin'), { recursive: true });
  copyFileSync('/bin/busybox', join(bundle, 'rootfs', 'bin', 'true'));
  spawnSync('/usr/sbin/runc', ['spec'], { cwd: bundle });
  const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as {
    process: { terminal: boolean; args: string[] };
  };
  config.process.terminal = false;
  config.process.args = ['/bin/true'];
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  const runc = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do runc run -b "$0" floor; done';
  const sides: Side[] = [
    {
      name: 'runc run ×20, no build around it (`runc spec`, /bin/true, no seccomp)',
      command: () => ['/bin/sh', '-c', runc, bundle],
    },
    { name: 'cat of the archive', command: () => ['/bin/sh', '-c', 'cat "$0" >/dev/null', archive] },
    {
      name: 'cat of the 20,000 files',
      command: () => ['/bin/sh', '-c', 'cat "$0"/*/* >/dev/null', join(work, 'copy', 'files')],
    },
    { name: 'node -e 0', command: () => [process.execPath, '-e', '0'] },
  ];
  const lines = sides.map((side) => timeLine(measurePairs(work, rounds, [side])[0]!));
  return [...lines, ...memoryLines(bench), ...explorerLines(bench)];
}

const timeLine = ({ name, seconds }: Measured): string => `- ${name}: ${seconds.toFixed(3)} s`;

function memoryLines({ work, store, dobos }: Bench): string[] {
  const tar = join(work, 'many.tar');
  writeManyEntries(tar, MANY);
  const env = { DOBOS_ROOT: store };
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['import of a tar', ['import', tar, 'many']],
    ['explore, first time', ['explore', '--summary', 'many']],
    ['explore, again', ['explore', '--summary', 'many']],
  ];
  const lines = commands.map(([name, args]) => {
    const [run] = measurePairs(work, 1, [{ name, command: () => [...dobos, ...args], env }], {
      warmUp: false,
    });
    const { seconds, peak } = run!;
    return `- ${name} with ${MANY.toLocaleString('en')} entries: ${(peak / 1e6).toFixed(0)} MB, ${((peak - 200e6) / (MANY - 100_000)).toFixed(0)} bytes for each entry above 100,000; ${seconds.toFixed(2)} s`;
  });
  rmSync(tar, { force: true });
  return lines;
}

interface KeyTimes {
  readonly first: number;
  readonly times: Readonly<Record<string, { readonly median: number; readonly most: number }>>;
  readonly peak: number;
}

/** The terminal explorer from a key to the bytes of its screen. `many` was imported for the memory. */
function explorerLines({ work, store, dobos }: Bench): string[] {
  const half = join(work, 'half.tar');
  writeManyEntries(half, MANY / 2);
  const env = { DOBOS_ROOT: store };
  measurePairs(work, 1, [{ name: 'import', command: () => [...dobos, 'import', half, 'half'], env }], {
    warmUp: false,
  });
  rmSync(half, { force: true });
  const task = join(process.cwd(), 'dist', 'bench-explore-keys-task.js');
  return [['half', MANY / 2] as const, ['many', MANY] as const].map(([image, entries]) => {
    const { stdout, stderr, status } = spawnSync(process.execPath, [task, store, image], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${task} ended with ${status}:\n${stderr}`);
    const { first, times, peak } = JSON.parse(stdout) as KeyTimes;
    const keys = Object.entries(times).map(
      ([what, { median, most }]) => `${what} ${median.toFixed(1)} (${most.toFixed(1)})`,
    );
    return `- terminal explorer, ${entries.toLocaleString('en')} entries: first screen ${(first / 1000).toFixed(2)} s after the store is open, ${(peak / 1e6).toFixed(0)} MB; milliseconds from a key to the bytes of its screen, median (longest): ${keys.join(', ')}`;
  });
}
