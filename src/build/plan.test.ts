import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { isDobosError } from '../base/errors.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import type { Image } from '../image/types.ts';
import { parsePlatform } from '../oci/platform.ts';
import type { ContainerConfig } from '../oci/types.ts';
import { basesOf, planBuild } from './plan.ts';
import { formatPlan } from './plan-format.ts';
import type { PlanOptions } from './plan-options.ts';

const golden = new URL('golden/', import.meta.url);
const amd64 = { os: 'linux', architecture: 'amd64' };
const plain: PlanOptions = { buildArgs: new Map(), platform: amd64, buildPlatform: amd64 };

describe('planBuild', () => {
  it.each(readdirSync(golden))('plans golden/%s', (name) => {
    const read = (file: string): string => readFileSync(new URL(`${name}/${file}`, golden), 'utf8');
    expect(planText(read('Dockerfile'), JSON.parse(read('options.json')))).toBe(read('plan.txt'));
  });

  it.each([
    ['FROM debian\nFNTRYPOINT x', 2, 'unknown instruction: FNTRYPOINT (did you mean ENTRYPOINT?)'],
    ['FROM debian:$V', 1, undefined],
    ['FROM $V', 1, 'base name ($V) should not be blank'],
    ['FROM --platform=a/b/c/d x', 1, 'invalid platform "a/b/c/d"'],
    ['FROM scratch\nCOPY --from=x /a', 2, 'COPY requires at least two arguments'],
    ['FROM scratch AS a\nCOPY --from=a x y', 2, 'circular dependency detected on stage: a'],
    [
      'FROM scratch AS a\nCOPY --from=b x y\nFROM a AS b',
      2,
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
    ],
    ['FROM scratch\nCOPY --from=0 x y', 2, 'invalid stage index 0'],
    ['FROM scratch\nFROM scratch\nCOPY --from=1 x y', 3, 'invalid stage index 1: want 0 to 0'],
    ['FROM scratch\nARG x=1\nCOPY --from=$x x y', 3, 'variable expansion is not supported for --from'],
    ['FROM scratch\nRUN --security=insecure y', 2, 'security.insecure is not allowed'],
    ['FROM scratch\nRUN --security=safe y', 2, 'invalid security mode "safe"'],
    [
      'FROM scratch\nRUN --mount=type=cach,target=/x y',
      2,
      'unsupported mount type "cach" (did you mean cache?)',
    ],
    ['FROM scratch\nRUN --mount=type=cache,target=/ y', 2, 'invalid mount target "/"'],
    ['FROM scratch\nRUN --mount=target=x/.. y', 2, 'invalid mount target "/"'],
    ['FROM scratch\nRUN --mount=target=/proc/x y', 2, 'it belongs to the kernel'],
    [
      'FROM scratch\nRUN --mount=target=/x --mount=type=tmpfs,target=/x y',
      2,
      'two mounts have the target /x',
    ],
    ['FROM scratch\nRUN --mount=from=0,target=/x y', 2, 'invalid stage index 0'],
    [
      'FROM scratch\nARG s=a\nRUN --mount=from=$s,target=/x y',
      3,
      "'from' doesn't support variable expansion",
    ],
    ['FROM scratch AS a\nRUN --mount=from=a,target=/x y', 2, 'circular dependency detected on stage: a'],
    [
      'FROM scratch AS a\nRUN --mount=from=b,target=/x y\nFROM a AS b',
      2,
      'cannot mount from stage "b", it needs to be defined before current stage "a"',
    ],
    ['FROM scratch\nARG t=cash\nRUN --mount=type=$t,target=/x y', 3, 'unsupported mount type "cash"'],
    [
      'FROM scratch\nRUN --mount=type=cache,target=/x,source=/y z',
      2,
      'the source of a cache mount needs from=',
    ],
    ['FROM scratch\nRUN --device=gpu y', 2, 'RUN --device is not supported yet'],
    ['FROM scratch\nRUN --network=foo y', 2, 'invalid network mode "foo"'],
    ['FROM scratch\nCOPY --link --chown=ada a b', 2, 'COPY --link cannot look up "ada"'],
    ['FROM scratch\nCOPY --exclude=! a b', 2, 'COPY --exclude: illegal exclusion pattern: "!"'],
    ['FROM scratch\nADD ftp://example.org/x /', 2, 'its scheme is ftp, want http or https'],
    ['FROM scratch\nADD https://example.org/x.git#--x /', 2, '"--x" is no name of a branch, tag or commit'],
    ['FROM scratch\nADD --checksum=x git@example.org:x /', 2, 'its checksum is "x"'],
    ['FROM scratch\nCOPY https://example.org/x /', 2, "source can't be a URL for COPY"],
    ['FROM scratch\nCOPY git@example.org:x /', 2, "source can't be a git ref for COPY"],
    ['FROM scratch\nCOPY "" /', 2, 'a source of COPY is empty'],
    ['FROM scratch\nCOPY $nothing /', 2, 'a source of COPY is empty'],
    ['FROM scratch\nEXPOSE 70000', 2, 'invalid port "70000" in EXPOSE'],
    ['FROM scratch\nEXPOSE 10-9', 2, 'invalid port "10-9" in EXPOSE'],
    ['FROM scratch\nSTOPSIGNAL SIGWRONG', 2, 'invalid signal "SIGWRONG" in STOPSIGNAL'],
    ['FROM scratch\n\nENV a=${b', 3, "syntax error: missing '}'"],
    [`FROM scratch\nENV a="${'$'}{b:?set b}"`, 2, 'b: set b'],
    ['FROM scratch\nWORKDIR $x', 2, 'WORKDIR $x is empty'],
    ['FROM scratch AS a\nCOPY --from=8 x y\nFROM a\nCOPY --from=9 x y', 2, 'invalid stage index 8'],
    ['ARG A', 1, 'dockerfile contains no stages to build'],
    ['RUN x\nFROM scratch', 1, 'no build stage in current context'],
  ])('%j: line %i, %s', (text, line, message) => {
    const error = caught(() => planText(text, { bases: { 'debian:': {} } }));
    if (message === undefined) return expect(error).toBeUndefined();
    expect(isDobosError(error) && error.message).toContain(message);
    expect(isDobosError(error) && error.place?.line).toBe(line);
    expect(isDobosError(error) && error.place?.snippet).toContain('>>>');
  });

  it('shows the line with carets below the word', () => {
    const error = caught(() => planText('FROM scratch\nRUN a\nCOPY --form=0 a b\nUSER x', {}));
    expect(isDobosError(error) && error.place?.snippet).toBe(
      [
        '1 |     FROM scratch',
        '2 |     RUN a',
        '3 | >>> COPY --form=0 a b',
        '  |            ^^^^',
        '4 |     USER x',
      ].join('\n'),
    );
  });

  it('names the stage that was probably meant', () => {
    const error = caught(() => planText('FROM scratch AS build\nFROM scratch AS test', { target: 'bulid' }));
    expect(isDobosError(error, 'PLAN_TARGET_UNKNOWN') && error.message).toBe(
      'target stage "bulid" could not be found (did you mean build?)',
    );
  });

  it('does not evaluate the default of an ARG that is given', () => {
    const text = `FROM scratch\nARG A="${'$'}{B:?must be set}"\nLABEL a=$A`;
    expect(planText(text, { buildArgs: { A: 'x' } })).toContain('"a":"x"');
    expect(caught(() => planText(text, {}))).toBeDefined();
  });

  it('takes an empty build-arg as a value', () => {
    expect(planText('FROM scratch\nARG A=x\nLABEL a=$A', { buildArgs: { A: '' } })).toContain('"a":""');
  });

  it('lets a later stage shadow an earlier one of the same name', () => {
    const text = 'FROM one AS x\nFROM two AS X\nFROM x\n';
    expect(bases(text)).toEqual(['two']);
  });

  it('gives SOURCE_DATE_EPOCH to those who declare it', () => {
    const text = 'FROM base\nRUN a\nARG SOURCE_DATE_EPOCH\nRUN b';
    const graph = planBuild(parseDockerfile(text), imageMap({ base: { Env: ['PATH=/'] } }), {
      ...plain,
      epoch: 1,
    });
    expect(graph.steps.map(({ op }) => op.kind === 'run' && op.env)).toEqual([
      false,
      ['PATH=/'],
      false,
      ['PATH=/', 'SOURCE_DATE_EPOCH=1'],
    ]);
  });

  it('numbers the instructions of each stage, triggers counted, implied steps not', () => {
    const text = 'FROM base\nRUN a\nARG x\nCMD x';
    const graph = planBuild(parseDockerfile(text), imageMap({ base: { OnBuild: ['RUN t'] } }), plain);
    const numbers = graph.steps.map(
      ({ stage, implied }) => `${stage.step}/${stage.steps}${implied ? '+' : ''}`,
    );
    expect(numbers).toEqual(['1/5', '1/5+', '2/5', '3/5', '4/5', '5/5']);
  });

  it('puts inputs before those who need them, and only what the output needs', () => {
    const text = readFileSync(new URL('arg-scopes/Dockerfile', golden), 'utf8');
    const { steps, output } = planBuild(parseDockerfile(text), imageMap({ 'base-1:stable': {} }), plain);
    const seen = new Set<string>();
    for (const step of steps) {
      expect(step.inputs.every((input) => seen.has(input))).toBe(true);
      expect(step.inputs[0]).toBe(step.parent);
      seen.add(step.id);
    }
    const needed = new Set([output]);
    for (const step of [...steps].reverse()) {
      if (needed.has(step.id)) for (const input of step.inputs) needed.add(input);
    }
    expect(needed).toEqual(seen);
  });

  it('warns of SCRATCH, and leaves variables that are not set to lint', () => {
    const graph = planBuild(parseDockerfile('FROM Scratch\nENV path=$PHAT\n'), new Map(), plain);
    expect(graph.warnings?.map(({ message }) => message)).toEqual([
      'Scratch is read as scratch, the empty image: write it in lower case',
    ]);
  });

  it('stops variables that grow without end, in one line or over many', () => {
    const doubling = `FROM scratch\nENV a=${'x'.repeat(1000)}\n${'ENV a=$a$a\n'.repeat(40)}`;
    const many = `FROM scratch\nENV a=${'x'.repeat(60_000)}\n${'LABEL b=$a\n'.repeat(1000)}`;
    for (const text of [doubling, many]) {
      const error = caught(() => planText(text, {}));
      expect(isDobosError(error) && error.message).toMatch(/grows beyond|come to more than/);
    }
  });

  it('refuses files of more instructions than anybody writes', () => {
    const error = caught(() => planText(`FROM scratch\n${'USER x\n'.repeat(5000)}`, {}));
    expect(isDobosError(error, 'PLAN_TOO_LONG')).toBe(true);
  });

  it('refuses triggers that are no instruction, naming them', () => {
    const error = caught(() => planText('FROM base', { bases: { base: { OnBuild: ['FROM x'] } } }));
    expect(isDobosError(error, 'PLAN_ONBUILD') && error.place?.line).toBe(1);
    const more = caught(() => planText('FROM base', { bases: { base: { OnBuild: ['RUN x\nRUN y'] } } }));
    expect(isDobosError(more, 'PLAN_ONBUILD')).toBe(true);
  });
});

describe('basesOf', () => {
  it('lists the images of reachable stages once, in order', () => {
    const text = [
      'ARG V=1',
      'FROM unused AS u',
      'FROM a:$V AS a',
      'FROM --platform=linux/arm64 b AS b',
      'FROM a',
      'COPY --from=b x y',
      'COPY --from=c:2 x y',
      'COPY --from=c:2 x z',
      'COPY --from=a:1 x z',
    ].join('\n');
    expect(bases(text)).toEqual(['a:1', 'b (linux/arm64)', 'c:2']);
  });

  it('says which stage a name may have meant', () => {
    const file = parseDockerfile(
      'FROM scratch AS build\nFROM scratch\nCOPY --from=biuld a b\nCOPY --from=debian a b',
    );
    expect(basesOf(file, plain).map(({ name, nearStage }) => [name, nearStage])).toEqual([
      ['biuld', 'build'],
      ['debian', undefined],
    ]);
  });

  it('has none for scratch', () => {
    expect(bases('FROM scratch\nCOPY . .')).toEqual([]);
  });

  it('finds what triggers copy from once the base is known', () => {
    const file = parseDockerfile('FROM parent');
    const known = imageMap({ parent: { OnBuild: ['COPY --from=helper /a /b'] } });
    expect(basesOf(file, plain).map(({ key }) => key)).toEqual(['parent']);
    expect(basesOf(file, plain, known).map(({ key }) => key)).toEqual(['parent', 'helper']);
  });
});

interface GoldenOptions {
  readonly buildArgs?: Record<string, string>;
  readonly labels?: Record<string, string>;
  readonly target?: string;
  readonly platform?: string;
  readonly network?: 'host' | 'none';
  readonly epoch?: number;
  readonly bases?: Record<string, ContainerConfig>;
  readonly allow?: readonly string[];
}

function planText(text: string, o: GoldenOptions): string {
  const {
    buildArgs = {},
    labels = {},
    platform = 'linux/amd64',
    bases: configs = {},
    allow = [],
    ...rest
  } = o;
  const options: PlanOptions = {
    ...plain,
    ...rest,
    platform: parsePlatform(platform),
    buildArgs: new Map(Object.entries(buildArgs)),
    labels: new Map(Object.entries(labels)),
    allow: new Set(allow),
  };
  const file = parseDockerfile(text);
  const images = imageMap(configs);
  const wanted = basesOf(file, options, images).map(({ key }) => key);
  const graph = planBuild(file, images, options);
  return `bases: ${wanted.join(', ')}\n${formatPlan(graph)}`;
}

function bases(text: string): string[] {
  return basesOf(parseDockerfile(text), plain).map(({ key }) => key);
}

/** Images of which only the container config is there: planning reads no more. */
function imageMap(configs: Record<string, ContainerConfig>): ReadonlyMap<string, Image> {
  const images = Object.entries(configs).map(
    ([key, config]) => [key, { config: { config } } as Image] as const,
  );
  return new Map(images);
}

function caught(work: () => unknown): unknown {
  try {
    work();
    return undefined;
  } catch (error) {
    return error;
  }
}
