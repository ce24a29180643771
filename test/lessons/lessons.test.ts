import { spawnSync } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianBase } from '../../scripts/debian-base.ts';
import { busyboxRoot } from '../support/built-command.ts';
import { type DockerRegistry, startDockerRegistry } from '../support/docker-registry.ts';
import { podmanSettings } from '../support/podman.ts';
import { isOfShare } from '../support/shares.ts';
import { readableBuild, testUser, throughUser } from '../support/test-user.ts';
import {
  firstUnseen,
  type LessonPlace,
  LessonTerminals,
  readLesson,
  runBlock,
  standsOn,
} from './run-lesson.ts';

type Person = 'root' | 'an ordinary user';
const EVERYBODY: readonly Person[] = ['root', 'an ordinary user'];

/** Lessons that share a folder and a store, as the second one goes on where the first one ended; of root alone unless somebody is named. */
const GROUPS: readonly {
  readonly pages: readonly string[];
  readonly people?: readonly Person[];
  readonly debian?: boolean;
  readonly registry?: boolean;
  readonly podman?: boolean;
}[] = [
  { pages: ['01-a-stack-of-layers'] },
  { pages: ['02-the-union-file-system'] },
  { pages: ['03-an-image-made-by-hand'], people: EVERYBODY, debian: true },
  { pages: ['04-commit-with-a-random-name'], people: EVERYBODY },
  { pages: ['05-the-secret-that-was-deleted', '06-flattening'], people: EVERYBODY },
  {
    pages: [
      '07-hello-world',
      '08-the-second-build',
      '14-several-stages',
      '18-two-architectures',
      '20-distroless-by-hand',
    ],
    debian: true,
  },
  {
    pages: ['07-hello-world', '08-the-second-build', '20-distroless-by-hand'],
    people: ['an ordinary user'],
    debian: true,
  },
  { pages: ['09-cached-is-not-re-run'] },
  { pages: ['10-order-matters'], debian: true },
  { pages: ['11-four-big-files'] },
  { pages: ['12-cleaning-up-too-late'] },
  { pages: ['13-dependencies-before-source'] },
  { pages: ['15-a-builder-as-a-source'] },
  { pages: ['16-mounts'] },
  { pages: ['17-heredocs'] },
  { pages: ['19-the-read-write-layer'], people: EVERYBODY },
  { pages: ['21-a-custom-java-runtime'], debian: true },
  { pages: ['22-the-package-cache'], debian: true },
  { pages: ['23-counting-layers'] },
  { pages: ['24-squash'] },
  { pages: ['25-dockerignore'] },
  { pages: ['26-inside-the-archive'] },
  { pages: ['28-any-runtime'], people: EVERYBODY },
  { pages: ['30-into-a-running-container'], people: EVERYBODY },
  { pages: ['31-pulled-layers-are-shared'], registry: true },
  { pages: ['32-how-a-dockerfile-is-run'] },
  { pages: ['33-data-that-outlives-a-container'], people: EVERYBODY },
  { pages: ['34-where-kaniko-builds'], podman: true },
];

// What both do, each does in one share of the rounds; whoever does it alone does it in all.
const RUNS = GROUPS.flatMap(({ people = ['root'], ...group }, number) =>
  people
    .filter((_, at) => people.length === 1 || isOfShare(number + at))
    .map((who: Person) => ({ who, ...group })),
);

for (const { pages, who, debian = false, registry = false, podman = false } of RUNS) {
  const peer = registry ? ' with docker-registry' : podman ? ' with podman' : '';
  describe(`lesson ${pages.join(' and ')}${peer} as ${who}`, () => {
    let work: string;
    let build: string | undefined;
    let place: LessonPlace;
    let served: DockerRegistry | undefined;
    let terminals: LessonTerminals;

    beforeAll(async () => {
      work = mkdtempSync(join(tmpdir(), 'dobos-lesson-'));
      const folder = join(work, 'lesson');
      const bin = join(work, 'bin');
      for (const path of [folder, bin]) mkdirSync(path);
      const user = who === 'root' ? undefined : testUser();
      if (user !== undefined) {
        build = readableBuild();
        for (const path of [work, folder]) chownSync(path, user.uid, user.gid);
      }
      const script = resolve(build ?? '.', 'dist', 'dobos.cjs');
      writeFileSync(join(bin, 'dobos'), `#!/bin/sh\nexec "${process.execPath}" "${script}" "$@"\n`, {
        mode: 0o755,
      });
      if (registry) served = await startDockerRegistry(join(work, 'registry'));
      const env = {
        ...(served === undefined ? {} : { REGISTRY: served.host }),
        ...(podman
          ? { ...podmanSettings(join(work, 'podman')), NODE: process.execPath, TOOL: resolve('.') }
          : {}),
        PATH: `${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        HOME: work,
        LANG: 'C.UTF-8',
        DOBOS_ROOT: join(work, 'store'),
      };
      place = { folder, env, through: user === undefined ? [] : throughUser(user, work) };
      terminals = new LessonTerminals(place);
      // Read by root: the user may not come to where it lies.
      const base = debian ? openSync(debianBase(), 'r') : undefined;
      const dobos = (args: readonly string[], input?: Buffer | number): void => {
        const [program = '', ...words] = [...place.through, join(bin, 'dobos'), ...args];
        const stdin = typeof input === 'number' ? input : 'pipe';
        const { status, stderr } = spawnSync(program, words, {
          cwd: folder,
          env,
          stdio: [stdin, 'ignore', 'pipe'],
          ...(typeof input === 'object' ? { input } : {}),
        });
        if (status !== 0) throw new Error(`dobos ${args.join(' ')}: ${stderr}`);
      };
      dobos(['import', '-c', 'CMD ["sh"]', '-', 'busybox'], busyboxRoot());
      if (base !== undefined) {
        dobos(['import', '-c', 'CMD ["bash"]', '-', 'debian:bookworm'], base);
        closeSync(base);
        dobos(['tag', 'debian:bookworm', 'debian']);
      }
    }, 600_000);
    afterAll(async () => {
      terminals.close();
      await served?.stop();
      for (const path of [work, build ?? work]) rmSync(path, { recursive: true, force: true, maxRetries: 3 });
    });

    for (const page of pages) {
      it(`${page} shows what its page says`, { timeout: 300_000 }, async () => {
        const blocks = readLesson(`docs/lessons/${page}.md`);
        expect(blocks.length).toBeGreaterThan(2);
        for (const block of blocks) {
          if (block.terminal !== undefined) {
            await terminals.run(block);
            continue;
          }
          const output = runBlock(block, place);
          const unseen = block.wanted === undefined ? undefined : firstUnseen(block.wanted, output);
          expect(unseen, `line ${block.line}: not seen in\n${output}`).toBeUndefined();
        }
      });
    }
  });
}

describe('the runner of lessons', () => {
  it('sees a line that is missing, out of order, or too many', () => {
    expect(firstUnseen(['a', 'b'], 'a\nb\n')).toBeUndefined();
    expect(firstUnseen(['a…z', '…', 'q'], 'abz\nx\ny\nq\n')).toBeUndefined();
    expect(firstUnseen(['a', 'c'], 'a\nb\nc\n')).toBe('c');
    expect(firstUnseen(['b', '…', 'a'], 'a\nb\n')).toBe('b');
    expect(firstUnseen(['a'], 'a\nb\n')).toBe('(the end)');
  });

  it('finds what must be seen wherever it begins on a screen', () => {
    expect(standsOn(['a', 'c'], ['x', 'a', 'b', 'a', 'c', '', ''])).toBe(true);
    expect(standsOn(['a', '…', 'c'], ['a', 'b', 'c'])).toBe(true);
    expect(standsOn(['a', 'd'], ['a', 'b', 'a', 'c'])).toBe(false);
  });
});
