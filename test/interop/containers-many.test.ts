import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { machineTraces, type Sandbox, until } from '../support/built-command.ts';
import { cgroups, mountsAnywhere, storeFiles } from '../support/killed-containers.ts';
import { useBox } from '../support/shared-box.ts';

const CONTAINERS = 100;
const AT_ONCE = 20;
/** For what comes as soon as the machine has time for it, in milliseconds. */
const PATIENCE_MS = 120_000;

describe('many containers by root', () => {
  let box: Sandbox;
  const told = useBox('auto', 'root', (made) => {
    box = made;
  });
  const rows = async (format: string): Promise<string[]> =>
    (await told('ps', '-a', '--format', format)).split('\n').slice(0, -1).sort();

  it(`${CONTAINERS} started and removed, ${AT_ONCE} at once: none is lost, nothing is left`, {
    timeout: 600_000,
  }, async () => {
    const limits = ['--pids-limit', '50'];
    await told('run', '--name', 'first', ...limits, 'base:1', 'true');
    await told('rm', 'first');
    const clean = storeFiles(box);
    const made = new Set<string>();
    for (let from = 0; from < CONTAINERS; from += AT_ONCE) {
      const names = Array.from({ length: AT_ONCE }, (_, at) => `many-${from + at}`);
      const mark = ['-e', `SANDBOX=${box.folder}`];
      // Half of them with a cgroup of their own.
      const started = await Promise.all(
        names.map((name, at) =>
          told(
            ...['run', '-d', '--name', name, ...(at % 2 === 0 ? limits : []), ...mark, 'base:1'],
            ...['sh', '-c', `trap "exit ${at}" TERM; echo ${name} > /mine; echo ${name}; sleep 1000 & wait`],
          ),
        ),
      );
      expect(new Set(started).size).toBe(AT_ONCE);
      const ids = started.map((id) => id.trim());
      for (const id of ids) made.add(id);
      expect(await rows('{{.ID}} {{.Names}} {{.State}}')).toEqual(
        ids.map((id, at) => `${id.slice(0, 12)} ${names[at]} running`).sort(),
      );
      for (let at = 0; at < AT_ONCE; at += 5) {
        await expect.poll(() => told('logs', names[at]!), { timeout: PATIENCE_MS }).toBe(`${names[at]}\n`);
      }
      expect(await told('exec', names[3]!, 'cat', '/mine')).toBe(`${names[3]}\n`);
      // A quarter is removed as it runs; the others are stopped and removed by three commands at once.
      const [running, others] = [
        names.filter((_, at) => at % 4 === 0),
        names.filter((_, at) => at % 4 !== 0),
      ];
      const thirds = [0, 1, 2].map((third) => others.filter((_, at) => at % 3 === third));
      await Promise.all([
        ...running.map((name) => told('rm', '-f', name)),
        ...thirds.map(async (some) => {
          const codes = some.map((name) => `${names.indexOf(name)}\n`).join('');
          await told('stop', ...some);
          expect(await told('wait', ...some)).toBe(codes);
          await told('rm', ...some);
        }),
      ]);
      expect(await rows('{{.Names}}')).toEqual([]);
    }
    await until(() => box.processes().length === 0, PATIENCE_MS);
    expect(box.processes()).toEqual([]);
    expect(mountsAnywhere(box)).toEqual([]);
    expect(machineTraces(box).mounts).toEqual([]);
    // Other suites make and remove their own meanwhile.
    expect(cgroups().filter((path) => made.has(basename(path)))).toEqual([]);
    // What keepers of this moment have left, empty, goes with the next one.
    await told('run', '--rm', 'base:1', 'true');
    expect(storeFiles(box)).toEqual(clean);
    expect(await told('system', 'check')).toMatch(/^The store is whole: \d+ blobs checked\n$/);
  });
});
