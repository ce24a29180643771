import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Dobos, pathWithout } from '../support/dobos.ts';
import { buildHelloC, GREETING } from '../support/hello-c.ts';
import { traces } from './runtime-fixture.ts';

let work: string;
let dobos: Dobos;

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-bare-'));
  const PATH = pathWithout(join(work, 'bin'), ['runc', 'crun', 'youki', 'runsc']);
  dobos = buildHelloC({ store: join(work, 'store'), env: { PATH } });
}, 600_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

// Titles do not name the runtimes that are hidden: CI counts tests that run against them.
describe('root without any OCI runtime in PATH', () => {
  it('has the chroot executor chosen, and is told why', () => {
    expect(dobos('info')).toMatch(/^runtime +chroot\b.*no OCI runtime in PATH/m);
  });

  it('has hello-c built with it, which greets', () => {
    expect(dobos('run', 'hello-c')).toBe(GREETING);
  });

  it('has a clean store, and neither mounts, processes nor cgroups left', () => {
    expect(dobos.tell('system', 'check')).toMatchObject({ code: 0 });
    expect(traces(work)).toEqual({ mounts: [], processes: [], cgroups: [] });
  });

  it('is told which one is missing when it is asked for', () => {
    const told = dobos.tell('run', '--runtime', 'runc', 'hello-c');
    expect(told).toMatchObject({ code: 125, stdout: '' });
    expect(told.stderr).toContain('no runtime runc in PATH');
  });
});
