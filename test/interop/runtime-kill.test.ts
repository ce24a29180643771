import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { streamOf } from '../../src/base/bytes.ts';
import { openKeeper } from '../../src/runtime/keeper.ts';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { shareOf } from '../support/shares.ts';
import { type ClientTask, clientProgram } from './runtime-client.ts';
import { traces } from './runtime-fixture.ts';

const ROUNDS = 15;
const LONGEST_MS = 1500;

/** Numerical Recipes' generator: the same moments for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Processes that carry the mark in their environment: the client, its keeper, runtimes, containers. */
function marked(mark: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').includes(`MARK=${mark}`);
    } catch {
      return false;
    }
  });
}

async function until(what: () => boolean): Promise<boolean> {
  for (let i = 0; i < 6000; i++) {
    if (what()) return true;
    await new Promise((resume) => setTimeout(resume, 10));
  }
  return false;
}

describe.each(['runc', 'chroot'])('the client of %s killed at any moment', (runtime) => {
  it(`leaves no process, mount, cgroup or half-made thing, and the next one works`, {
    timeout: 300_000,
  }, async () => {
    const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 1e9);
    console.log(`${runtime}: seed ${seed}`);
    const { first, end, seed: own } = shareOf(ROUNDS, seed);
    const random = randomOf(own);
    const folder = mkdtempSync(join(tmpdir(), 'dobos-kill-'));
    const storeFolder = join(folder, 'store');
    try {
      for (let round = first; round < end; round++) {
        const mark = `${runtime}-${seed}-${round}`;
        const task: ClientTask = {
          storeFolder,
          runtime,
          forever: true,
          commands: [
            `echo ${round} > /f; sleep 0.05`,
            'head -c 300000 /dev/zero > /big',
            'sleep 100 & ls -R / > /all',
          ],
        };
        const program = ['--input-type=module', '-e', clientProgram(), JSON.stringify(task)];
        const client = spawn(process.execPath, program, {
          stdio: ['ignore', 'pipe', 'inherit'],
          env: { ...process.env, MARK: mark },
        });
        // Half of the rounds die while the keeper starts, half between its steps.
        if (round % 2 === 0) await once(client.stdout, 'data');
        await new Promise((resume) => setTimeout(resume, random() * LONGEST_MS));
        client.kill('SIGKILL');
        expect(
          await until(() => marked(mark).length + traces(folder).processes.length === 0),
          `round ${round}: processes left`,
        ).toBe(true);
        expect(traces(folder), `round ${round}`).toEqual({ mounts: [], processes: [], cgroups: [] });
      }
      // The next command clears away what the dead ones left, as soon as it writes.
      const store = createDirectoryStore(storeFolder);
      await store.ingest(streamOf(Buffer.from('next')), 'text/plain');
      const keeper = await openKeeper({ storeFolder, runtime });
      expect((await keeper.listSnapshots()).length).toBeGreaterThan(0);
      await keeper.close();
      const problems = [];
      for await (const problem of store.check()) problems.push(problem);
      expect(problems).toEqual([]);
      const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
      expect(
        names.filter(
          (name) =>
            !name.startsWith('store/notes/') &&
            /(^|\/)(runtime|state|task|config\.json|resolv\.conf)$/.test(name),
        ),
      ).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a keeper that is started ahead', () => {
  it('leaves nothing in the store if it is given up before it is asked for anything', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dobos-ahead-'));
    const storeFolder = join(folder, 'store');
    const namesIn = (...path: string[]): string[] => {
      const place = join(storeFolder, ...path);
      return existsSync(place) ? readdirSync(place) : [];
    };
    const keeper = await openKeeper({ storeFolder, runtime: 'chroot' });
    try {
      keeper.start?.();
      // Its session is there: it has opened the store.
      expect(await until(() => namesIn('snapshots', 't').length > 0)).toBe(true);
      expect(namesIn('leases')).toEqual([]);
      await keeper.executor('full');
      expect(namesIn('leases')).toHaveLength(1);
    } finally {
      await keeper.close();
    }
    expect(namesIn('leases')).toEqual([]);
    rmSync(folder, { recursive: true, force: true });
  });
});
