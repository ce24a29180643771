import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { busyboxRoot } from '../support/built-command.ts';
import { startDockerd } from '../support/daemons.ts';
import { type Dobos, dobosFor } from '../support/dobos.ts';

const DOCKERFILE = `FROM base:1
ENV PATH=/bin
RUN echo 'my secret' > /secret.txt
LABEL between=1
RUN rm /secret.txt; echo other > /other.txt
CMD ["ls", "/other.txt"]
`;
/** What each row of the history has made, newest first: the files that are there after it. */
const STATES = ['/other.txt', '/other.txt', '/secret.txt', '/secret.txt', '', ''];
const LOOK = 'for f in /secret.txt /other.txt; do test -e $f && echo $f; done; true';

let work: string;
let dobos: Dobos;
let theirs: string[];

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'dobos-history-'));
  const context = join(work, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE);
  writeFileSync(join(work, 'base.tar'), busyboxRoot());
  const archive = join(work, 'hidden.tar');
  const docker = await startDockerd(join(work, 'docker'));
  try {
    docker.client('import', '-c', 'ENV PATH=/bin', join(work, 'base.tar'), 'base:1');
    docker.client('build', '-q', '--network', 'none', '-t', 'hidden:1', context);
    docker.client('save', '-o', archive, 'hidden:1');
    docker.client('rmi', 'hidden:1', 'base:1');
    docker.client('load', '-i', archive);
    theirs = docker.client('history', '-q', 'hidden:1').trim().split('\n');
  } finally {
    await docker.stop();
  }
  dobos = dobosFor({ store: join(work, 'store') });
  dobos('load', '-i', archive);
}, 240_000);
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe('an image that docker 20.10 built, saved and loaded', () => {
  it('has <missing> in docker’s history, and an id in each row of ours that opens that layer', {
    timeout: 240_000,
  }, () => {
    expect(theirs.slice(1)).toEqual(STATES.slice(1).map(() => '<missing>'));
    const ids = dobos('history', '-q', 'hidden:1').trim().split('\n');
    expect(ids).toHaveLength(STATES.length);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids[0]).toBe(theirs[0]!.replace('sha256:', '').slice(0, 12));
    for (const [at, id] of ids.entries()) {
      expect(id).toMatch(/^[0-9a-f]{12}$/);
      expect(dobos('run', '--rm', '--entrypoint', 'sh', id, '-c', LOOK).trim(), `row ${at}`).toBe(STATES[at]);
      // The id stays the same whichever way it is asked for, and the rows below it are the same ones.
      expect(dobos('inspect', '--format', '{{.Id}}', id)).toContain(`sha256:${id}`);
      expect(dobos('history', '-q', id).trim().split('\n')).toEqual(ids.slice(at));
    }
    const secret = ids[STATES.indexOf('/secret.txt')]!;
    expect(dobos('run', '--rm', secret, 'cat', '/secret.txt')).toBe('my secret\n');
  });

  it.each(['a step', 'NAME~N'])(
    'can be taken as it was by every command that takes an image: %s',
    { timeout: 240_000 },
    (how) => {
      const id = dobos('history', '-q', 'hidden:1').trim().split('\n')[STATES.indexOf('/secret.txt')]!;
      const name = how === 'a step' ? id : 'hidden:1~1';
      const own = how === 'a step' ? 'a' : 'b';
      const secret = ['cat', '/secret.txt'];
      expect(dobos('run', '--rm', name, ...secret)).toBe('my secret\n');
      dobos('create', '--name', `made-${own}`, name, ...secret);
      expect(dobos('start', '-a', `made-${own}`)).toBe('my secret\n');
      dobos('export', '-o', join(work, `${own}-root.tar`), `made-${own}`);
      dobos('commit', `made-${own}`, `committed-${own}`);
      expect(dobos('run', '--rm', `committed-${own}`, ...secret)).toBe('my secret\n');
      expect(dobos('inspect', '--format', '{{len .RootFS.Layers}}', name)).toBe('2\n');
      expect(dobos('history', '-q', name).trim().split('\n').length).toBeGreaterThan(2);
      expect(dobos('explore', name)).toContain('/secret.txt');
      dobos('tag', name, `tagged-${own}`);
      expect(dobos('run', '--rm', `tagged-${own}`, ...secret)).toBe('my secret\n');
      dobos('bundle', name, join(work, `${own}-bundle`), ...secret);
      dobos('save', '-o', join(work, `${own}.tar`), name);
      const other = dobosFor({ store: join(work, `${own}-store`) });
      const loaded = /sha256:[0-9a-f]{64}|\S+:\S+$/.exec(
        other('load', '-i', join(work, `${own}.tar`)).trim(),
      )![0];
      expect(other('run', '--rm', loaded, ...secret)).toBe('my secret\n');
      dobos('squash', name, '-t', `squashed-${own}`);
      expect(dobos('run', '--rm', `squashed-${own}`, ...secret)).toBe('my secret\n');
    },
  );
});
