/**
 * `npm run bench`: Dobos beside its peers on the same inputs, all stores, contexts and outputs on tmpfs. Writes docs/performance.md.
 * Needs root, Debian's docker.io, buildah, podman, umoci, skopeo, docker-registry, busybox-static and time, and 6 GB of /dev/shm.
 * @module
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { join } from 'node:path';
import { BUILD_ROWS } from './build-rows.ts';
import { CONTAINER_ROWS } from './container-rows.ts';
import { EXPLORE_ROWS } from './explore-rows.ts';
import { measureFloors } from './floors.ts';
import type { Measured } from './measure.ts';
import { startPeers } from './peers.ts';
import { prepareBench, ROWS, type Row } from './rows.ts';

const rounds = Number(process.env.BENCH_ROUNDS ?? 5);
/** Rows whose names this finds are measured alone, and nothing is written. */
const only = process.argv[2] === undefined ? undefined : new RegExp(process.argv[2]);

function targetCells(row: Row, measured: readonly Measured[]): string[] {
  const [own, ...others] = measured;
  return row.targets.flatMap((target, at) => {
    const other = target.of === undefined ? others[at] : others.find(({ name }) => name === target.of);
    if (other === undefined) return [];
    if (target.kind === 'ratio') {
      const ratio = own!.seconds / other.seconds;
      return `${ratio.toFixed(2)} of ${other.name} (target ${target.most}${ratio <= target.most ? '' : ', **missed**'})`;
    }
    const over = own!.seconds - other.seconds;
    return `${(over * 1000).toFixed(0)} ms over ${other.name} (target ${target.most * 1000} ms${over <= target.most ? '' : ', **missed**'})`;
  });
}

function rowText(row: Row, measured: readonly Measured[]): string {
  const times = measured.map(({ name, seconds }) => `${name} ${seconds.toFixed(3)} s`).join(' · ');
  const peaks = measured.map(({ name, peak }) => `${name} ${(peak / 1e6).toFixed(0)} MB`).join(' · ');
  return `| ${row.name} | ${targetCells(row, measured).join('; ')} | ${times} | ${peaks} |`;
}

const work = mkdtempSync('/dev/shm/dobos-bench-');
const peers = await startPeers(work);
try {
  const prepared = prepareBench(work, peers);
  const lines: string[] = [];
  for (const row of [...ROWS, ...EXPLORE_ROWS, ...BUILD_ROWS, ...CONTAINER_ROWS].filter(
    ({ name }) => only === undefined || only.test(name),
  )) {
    const text = rowText(row, await row.measure({ work, peers, rounds, ...prepared }));
    console.log(text);
    lines.push(text);
  }
  if (only === undefined) {
    const head = readFileSync(join('bench', 'performance-head.md'), 'utf8');
    const machine = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores; ${peers.versions.join('; ')}; ${rounds} pairs, medians.`;
    const table = [
      '| what | ratio | median wall time | peak memory of a process |',
      '|---|---|---|---|',
      ...lines,
    ];
    const floors = measureFloors({ work, peers, rounds, ...prepared });
    const notes = readFileSync(join('bench', 'performance-notes.md'), 'utf8');
    const text = [head, machine, '', ...table, '', '## Floors and memory', '', ...floors, '', notes];
    writeFileSync(join('docs', 'performance.md'), text.join('\n'));
  }
} finally {
  await peers.stop();
  rmSync(work, { recursive: true, force: true });
}
