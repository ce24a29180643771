import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A command of one side: `prepare` is not timed. */
export interface Side {
  readonly name: string;
  readonly prepare?: (round: number) => void;
  readonly command: (round: number) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Measured {
  readonly name: string;
  /** Median wall seconds. */
  readonly seconds: number;
  /** Most memory of any process in it, in bytes, over all rounds. */
  readonly peak: number;
  readonly runs: readonly number[];
}

/** Both sides in turn, A B A B …, after one round that does not count; medians. A command that fails stops the bench with its output. */
export function measurePairs(
  work: string,
  rounds: number,
  sides: readonly Side[],
  o: { readonly warmUp: boolean } = { warmUp: true },
): Measured[] {
  const seconds = sides.map((): number[] => []);
  const peaks = sides.map(() => 0);
  for (let round = o.warmUp ? 0 : 1; round <= rounds; round++) {
    for (const [at, side] of sides.entries()) {
      side.prepare?.(round);
      const run = timeOnce(work, side, round);
      if (round === 0) continue;
      seconds[at]!.push(run.seconds);
      peaks[at] = Math.max(peaks[at]!, run.peak);
    }
  }
  return sides.map(({ name }, at) => ({
    name,
    seconds: median(seconds[at]!),
    peak: peaks[at]!,
    runs: seconds[at]!,
  }));
}

function timeOnce(work: string, side: Side, round: number): { seconds: number; peak: number } {
  const report = join(work, 'time.txt');
  const command = side.command(round);
  const begin = process.hrtime.bigint();
  const { status, stdout, stderr } = spawnSync('/usr/bin/time', ['-f', '%M', '-o', report, ...command], {
    encoding: 'utf8',
    // Nothing of this machine's surroundings: certificates that Node is told to load cost each of its starts 40 ms.
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: work, ...side.env },
    maxBuffer: 64 * 1024 * 1024,
    cwd: work,
  });
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  if (status !== 0) throw new Error(`${command.join(' ')} ended with ${status}:\n${stdout}\n${stderr}`);
  return { seconds, peak: Number(readFileSync(report, 'utf8').trim().split('\n').at(-1)) * 1024 };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
