import { describe, expect, it } from 'vitest';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import type { Image } from '../image/types.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { explainMiss } from './explain-miss.ts';
import { planBuild } from './plan.ts';
import { type FileFact, type KeyFacts, MAX_FILE_PARTS, type StepKey, stepKey } from './step-key.ts';

const amd64 = { os: 'linux', architecture: 'amd64' };

describe('stepKey', () => {
  it('is the same for the same steps', () => {
    const text = 'FROM base\nARG A=1\nRUN x\nCOPY a b\nWORKDIR /w\nLABEL a=b';
    expect(last(text)).toEqual(last(text));
  });

  it('gives every step another image', () => {
    const keys = keysOf('FROM base\nARG A\nLABEL a=b\nLABEL a=b\nRUN x\nRUN x\nCMD ["x"]');
    expect(new Set(keys.map(({ digest }) => digest)).size).toBe(keys.length);
  });

  it('passes over comments, and blanks and continuations outside the arguments', () => {
    expect(last('FROM base\n# why\nrun   x').files).toBe(last('FROM base\nRUN \\\n# how\nx').files);
  });

  it.each([
    ['LABEL a=b'],
    ['EXPOSE 80'],
    ['CMD ["x"]'],
    ['ENTRYPOINT ["x"]'],
    ['VOLUME /x'],
    ['STOPSIGNAL SIGINT'],
    ['HEALTHCHECK NONE'],
    ['MAINTAINER me'],
    ['ONBUILD RUN x'],
    ['ARG A'],
    ['SHELL ["/bin/bash"]\nSHELL ["/bin/sh", "-c"]'],
  ])('%s above leaves the files of RUN, COPY and WORKDIR alone, and changes the image', (above) => {
    const below = 'RUN x\nCOPY a b\nWORKDIR /w';
    const plain = last(`FROM base\n${below}`);
    const more = last(`FROM base\n${above}\n${below}`);
    expect(more.files).toBe(plain.files);
    expect(more.digest).not.toBe(plain.digest);
  });

  it.each([
    ['RUN x y', 'RUN x  y'],
    ['RUN x', 'RUN ["x"]'],
    ['ENV a=1\nRUN x', 'ENV a=2\nRUN x'],
    ['ARG a=1\nRUN x', 'ARG a=2\nRUN x'],
    ['RUN x', 'USER 1\nRUN x'],
    ['RUN x', 'WORKDIR /\nRUN x'],
    ['RUN x', 'SHELL ["/bin/bash", "-c"]\nRUN x'],
    ['RUN x', 'RUN --network=none x'],
    ['RUN x', 'RUN --mount=target=/m x'],
    ['RUN --mount=target=/m x', 'RUN --mount=target=/n x'],
    ['RUN --mount=target=/m x', 'RUN --mount=target=/m,rw x'],
    ['RUN --mount=type=cache,target=/m x', 'RUN --mount=type=tmpfs,target=/m x'],
    ['RUN --mount=type=secret,id=a,target=/m x', 'RUN --mount=type=secret,id=b,target=/m x'],
    ['RUN --mount=type=secret,id=a x', 'RUN --mount=type=secret,id=a,env=A x'],
    ['RUN <<A\n#!/bin/sh\n1\nA', 'RUN <<A\n#!/bin/sh\n2\nA'],
    ['RUN first\nRUN x', 'RUN other\nRUN x'],
    ['COPY a b', 'COPY a c'],
    ['COPY a b', 'COPY a b/'],
    ['COPY a b', 'COPY a* b'],
    ['COPY a b', 'ADD a b'],
    ['COPY a b', 'COPY --chown=1 a b'],
    ['COPY a b', 'COPY --chmod=600 a b'],
    ['COPY <<A /x\n1\nA', 'COPY <<A /x\n2\nA'],
    ['WORKDIR /a', 'WORKDIR /b'],
    ['WORKDIR /a', 'USER 1\nWORKDIR /a'],
  ])('%j and %j are other files', (one, other) => {
    expect(last(`FROM base\n${one}`).files).not.toBe(last(`FROM base\n${other}`).files);
  });

  it.each([
    [
      'RUN --mount=type=cache,target=/m x',
      'RUN --mount=type=cache,target=/m,id=i,sharing=locked,mode=0700,uid=1 x',
    ],
    ['RUN --mount=type=tmpfs,target=/m x', 'RUN --mount=type=tmpfs,target=/m,size=1m x'],
    ['RUN --mount=type=secret,id=a x', 'RUN --mount=type=secret,id=a,required x'],
    ['RUN --mount=type=ssh x', 'RUN --mount=type=ssh,id=other,required x'],
    ['RUN --mount=target=/m,source=a x', 'RUN --mount=target=/m,source=b x'],
  ])(
    '%j and %j are the same files: what mounts hold is not in them, or comes in by its content',
    (one, other) => {
      expect(last(`FROM base\n${one}`).files).toBe(last(`FROM base\n${other}`).files);
    },
  );

  it('keeps an ARG out of the key until a RUN sees it', () => {
    const text = 'FROM base\nRUN above\nARG a=1\nCOPY x y\nRUN below';
    const one = keysOf(text);
    const two = keysOf(text, { buildArgs: { a: '2' } });
    expect(one.map(({ files }, i) => files === two[i]?.files)).toEqual([true, true, true, true, false]);
  });

  it('keeps proxies out of the key unless they are declared', () => {
    const proxy = { buildArgs: { HTTP_PROXY: 'http://p' } };
    expect(last('FROM base\nRUN x', proxy)).toEqual(last('FROM base\nRUN x'));
    const text = 'FROM base\nARG HTTP_PROXY\nRUN x';
    expect(last(text, proxy).files).not.toBe(last(text).files);
  });

  it('takes the files of a COPY in any order, and any change of one', () => {
    const a = { path: 'a', digest: 'sha256:aa' };
    const b = { path: 'b', digest: 'sha256:bb' };
    const of = (files: readonly FileFact[]) => last('FROM base\nCOPY . .', { files }).files;
    expect(of([a, b])).toBe(of([b, a]));
    expect(of([a])).not.toBe(of([a, b]));
    expect(of([a, { ...b, digest: 'sha256:cc' }])).not.toBe(of([a, b]));
    expect(of([a, { ...b, path: 'c' }])).not.toBe(of([a, b]));
  });

  it('asks for the content that a COPY from a stage reads, not for the stage', () => {
    const text = (run: string) => `FROM base AS s\nRUN ${run}\nFROM scratch\nCOPY --from=s /a /b`;
    expect(last(text('one')).files).toBe(last(text('other')).files);
    expect(last(text('one')).digest).toBe(last(text('other')).digest);
  });

  it('tells two bases apart by manifest, and their files by chain', () => {
    const of = (manifest: string, chain: string) =>
      last('FROM base\nRUN x', { base: { manifest: `sha256:${manifest}`, chain: `sha256:${chain}` } });
    expect(of('1', 'a').files).toBe(of('2', 'a').files);
    expect(of('1', 'a').digest).not.toBe(of('2', 'a').digest);
    expect(of('1', 'a').files).not.toBe(of('1', 'b').files);
  });

  it('takes SOURCE_DATE_EPOCH into the files of RUN, COPY and WORKDIR, not of the base', () => {
    const text = 'FROM base\nRUN x\nCOPY a b\nWORKDIR /w';
    const without = keysOf(text);
    const dated = keysOf(text, { epoch: 1 });
    expect(without.map(({ files }, i) => files === dated[i]?.files)).toEqual([true, false, false, false]);
    for (const line of ['RUN x', 'COPY a b', 'WORKDIR /w']) {
      const one = last(`FROM base\n${line}`, { epoch: 1 });
      expect(last(`FROM base\n${line}`, { epoch: 2 }).files).not.toBe(one.files);
    }
  });

  it('tells platforms of scratch apart', () => {
    const arm = { os: 'linux', architecture: 'arm64' };
    expect(last('FROM scratch\nCOPY a b', { platform: arm }).files).not.toBe(
      last('FROM scratch\nCOPY a b').files,
    );
  });

  it('keeps no more parts than it says, and still sees a change behind them', () => {
    const files = Array.from({ length: MAX_FILE_PARTS + 10 }, (_, i) => ({
      path: `f${String(i).padStart(6, '0')}`,
      digest: 'sha256:00',
    }));
    const one = last('FROM base\nCOPY . .', { files });
    const other = last('FROM base\nCOPY . .', { files: [...files.slice(0, -1), { path: 'x', digest: 'y' }] });
    expect(one.parts.filter(({ name }) => name === 'file')).toHaveLength(MAX_FILE_PARTS + 1);
    expect(explainMiss(other, one)).toEqual([`a file beyond the first ${MAX_FILE_PARTS} changed`]);
  });

  it('stores no value of a secret', () => {
    const key = last('FROM base\nARG API_KEY=hunter2\nENV DB_PASSWORD=swordfish\nRUN x');
    const parts = key.parts.filter(({ name }) => name === 'arg' || name === 'env');
    expect(JSON.stringify(parts)).not.toMatch(/hunter2|swordfish/);
  });
});

describe('explainMiss', () => {
  const why = (before: string, now: string, was: Facts = {}, is: Facts = {}) =>
    explainMiss(last(`FROM base\n${now}`, is), last(`FROM base\n${before}`, was));

  it('says nothing where nothing differs', () => {
    expect(why('RUN x', 'RUN x')).toEqual([]);
  });

  it('shows an instruction before and after', () => {
    expect(why('RUN make', 'RUN make install')).toEqual([
      'the instruction changed: RUN /bin/sh -c make → RUN /bin/sh -c make install',
    ]);
  });

  it('leaves it at the instruction where another kind of step stands now', () => {
    expect(why('LABEL a=b', 'RUN x')).toEqual(['the instruction changed: LABEL a=b → RUN /bin/sh -c x']);
  });

  it('names the ARG or ENV with both values', () => {
    const given = { buildArgs: { V: '2' } };
    expect(why('ARG V=1\nRUN x', 'ARG V=1\nRUN x', {}, given)).toEqual(['ARG V changed: 1 → 2']);
    expect(why('ENV V=1\nRUN x', 'ENV V=2\nRUN x')).toEqual(['ENV V changed: 1 → 2']);
    expect(why('RUN x', 'ENV V=2\nRUN x')).toEqual(['ENV V is new']);
    expect(why('ENV V=2\nRUN x', 'RUN x')).toEqual(['ENV V is gone']);
  });

  it('masks values whose name looks like a secret', () => {
    expect(why('ENV API_TOKEN=a\nRUN x', 'ENV API_TOKEN=b\nRUN x')).toEqual(['ENV API_TOKEN changed']);
  });

  it('names the files, and counts when there are many', () => {
    const files = (...digests: string[]) => ({
      files: digests.map((digest, i) => ({ path: `f${i}`, digest: `sha256:${digest}` })),
    });
    const copy = 'COPY . .';
    expect(why(copy, copy, files('a', 'b', 'c'), files('a', 'x'))).toEqual(['f1 changed', 'f2 is gone']);
    expect(why(copy, copy, files(), files('a'))).toEqual(['f0 is new']);
    expect(why(copy, copy, files('a', 'b', 'c', 'd', 'e'), files('v', 'w', 'x', 'y', 'z'))).toEqual([
      'f0 changed',
      'f1 changed',
      'f2 changed',
      '2 more files changed',
    ]);
  });

  it('points up when only a step above changed', () => {
    expect(why('RUN a\nRUN x', 'RUN b\nRUN x')).toEqual(['the files of a step above changed']);
    expect(why('RUN a\nENV v=1\nRUN x', 'RUN b\nENV v=2\nRUN x')).toEqual([
      'ENV v changed: 1 → 2',
      'the files of a step above changed too',
    ]);
  });

  it('names epoch, user, directory and base', () => {
    expect(why('RUN x', 'RUN x', { epoch: 1 }, { epoch: 2 })).toEqual(['SOURCE_DATE_EPOCH changed: 1 → 2']);
    expect(why('USER a\nRUN x', 'USER b\nRUN x')).toEqual(['the user changed: a → b']);
    expect(why('RUN x', 'WORKDIR /w\nRUN x')).toContain('the working directory changed: / → /w');
    const base = (digest: string): Facts => ({
      base: { manifest: `sha256:${digest}`, chain: `sha256:${digest}` },
    });
    const [one] = keysOf('FROM base', base('1'));
    const [two] = keysOf('FROM base', base('2'));
    expect(explainMiss(two!, one!)).toEqual(['the base image changed: sha256:1 → sha256:2']);
  });

  it('shortens long instructions and still tells them apart', () => {
    const [line] = why(`RUN ${'x'.repeat(5000)}a`, `RUN ${'x'.repeat(5000)}b`);
    expect(line!.length).toBeLessThan(700);
    const [before, after] = line!.split(' → ');
    expect(before!.slice(-20)).not.toBe(after!.slice(-20));
  });
});

interface Facts extends KeyFacts {
  readonly buildArgs?: Record<string, string>;
  readonly platform?: typeof amd64;
}

function last(text: string, facts: Facts = {}): StepKey {
  return keysOf(text, facts).at(-1)!;
}

/** The keys of all steps of a Dockerfile, in order; the facts go to each step that asks for them. */
function keysOf(text: string, { buildArgs = {}, platform = amd64, ...facts }: Facts = {}): StepKey[] {
  const config: ContainerConfig = { Env: ['PATH=/bin'] };
  const bases = new Map([['base', { config: { config } } as Image]]);
  const o = { buildArgs: new Map(Object.entries(buildArgs)), platform, buildPlatform: amd64 };
  const keys = new Map<string, StepKey>();
  for (const step of planBuild(parseDockerfile(text), bases, o).steps) {
    const inputs = step.inputs.map((id) => keys.get(id)!);
    keys.set(step.id, stepKey(step, inputs, facts));
  }
  return [...keys.values()];
}
