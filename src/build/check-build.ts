/**
 * Looking at a Dockerfile as a build would, without building: the build checks, an outline of what a target takes, the list of targets.
 * @module
 */
import { type DobosError, isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Dockerfile, Range } from '../dockerfile/ast.ts';
import { parseDockerfile } from '../dockerfile/parse-dockerfile.ts';
import { formatSnippet } from '../dockerfile/snippet.ts';
import { scratchImage } from '../image/scratch-image.ts';
import { sealImage } from '../image/seal-image.ts';
import type { Image } from '../image/types.ts';
import type { CheckedFile } from '../lint/format-check.ts';
import type { Finding } from '../lint/rule.ts';
import type { Platform } from '../oci/types.ts';
import type { BuildGraph } from './graph.ts';
import { lintError, lintPlan, type StageStart, type StageStarts } from './lint-plan.ts';
import { basesOf, planBuild, stageBases } from './plan.ts';
import { atPlace } from './plan-errors.ts';
import type { SourceRef } from './plan-layout.ts';
import type { PlanOptions } from './plan-options.ts';

export interface LookOptions extends CallOptions {
  readonly dockerfileText: string;
  /** With `allStages` all of the file is looked at. */
  readonly plan: PlanOptions & { readonly fileName: string };
  /** The .dockerignore of the build's context. */
  readonly ignoreText?: string | undefined;
  /** The image that a name in FROM means; undefined if it is not known, and then nothing is known of it. */
  readonly resolveBase: (name: string, platform: Platform) => Promise<Image | undefined>;
}

export interface CheckedBuild {
  readonly findings: readonly Finding[];
  readonly file: CheckedFile;
  /** Why the file does not build, findings that are errors included. */
  readonly error: DobosError | undefined;
  /** Images that were not known, in order of the file: what they set could not be looked at. */
  readonly unknown: readonly string[];
}

/** A file read and planned as far as that goes. */
export interface Look {
  readonly file: Dockerfile;
  /** Undefined: it does not build, `error` says why. */
  readonly graph: BuildGraph | undefined;
  readonly error: DobosError | undefined;
  /** What its stages start from; undefined when that cannot be said. */
  readonly starts: StageStarts | undefined;
  /** Those that were read. */
  readonly bases: ReadonlyMap<string, Image>;
  readonly unknown: readonly string[];
}

/** What the build checks find in a Dockerfile, and whether it would plan. Nothing runs. @throws errors of the store */
export async function checkBuild(o: LookOptions): Promise<CheckedBuild> {
  const look = await lookAt(o);
  const { file, starts, bases, error, unknown } = look;
  const linted = lintPlan({ file, options: o.plan, starts, bases, ignoreText: o.ignoreText });
  const violation = lintError(file, linted, (range) => placeOf(file, range, o));
  return {
    findings: linted.findings,
    file: { name: o.plan.fileName, text: file.text },
    error: error ?? violation,
    unknown,
  };
}

/** Reads and plans a Dockerfile; an image without files stands for each base that is not known. @throws errors of the store */
export async function lookAt(o: LookOptions): Promise<Look> {
  const file = parseDockerfile(o.dockerfileText);
  const bases = new Map<string, Image>();
  const standIns = new Map<string, Image>();
  const unknown: string[] = [];
  let starts: StageStarts | undefined;
  const all = (): Map<string, Image> => new Map([...bases, ...standIns]);
  try {
    for (;;) {
      o.signal?.throwIfAborted();
      // Triggers of a base may copy from images that nobody knew of before.
      const wanted = basesOf(file, o.plan, all()).filter(({ key }) => !bases.has(key) && !standIns.has(key));
      if (wanted.length === 0) break;
      for (const { key, name, platform, origin } of wanted) {
        const image = await o.resolveBase(name, platform).catch((error: unknown) => {
          throw atPlace(error, placeOf(file, origin, o), undefined);
        });
        if (image === undefined) {
          standIns.set(key, standIn(file, platform));
          unknown.push(name);
        } else bases.set(key, image);
      }
    }
    starts = new Map([...stageBases(file, o.plan, all())].map(([index, ref]) => [index, startOf(ref)]));
    const graph = planBuild(file, all(), o.plan);
    return { file, graph, error: undefined, starts, bases, unknown };
  } catch (error) {
    if (!isDobosError(error)) throw error;
    return { file, graph: undefined, error, starts, bases, unknown };
  }
}

function startOf(ref: SourceRef): StageStart {
  if (ref.kind === 'image') return { key: ref.key, platform: ref.platform };
  return ref.kind === 'stage' ? undefined : 'empty';
}

/** An image in the place of one that nobody has read: it sets every variable that the file asks for and does not set itself, to what is a port, a path, a user and a mode. */
function standIn({ text, instructions }: Dockerfile, platform: Platform): Image {
  const own = new Set(
    instructions.flatMap((each) =>
      each.kind === 'ARG' || each.kind === 'ENV' ? each.pairs.map(({ name }) => name.text) : [],
    ),
  );
  const asked = new Set([...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map((match) => match[1]!));
  const Env = [...asked].filter((name) => !own.has(name)).map((name) => `${name}=1`);
  return sealImage({ ...scratchImage(platform).config, config: { Env } }, []);
}

const placeOf = ({ text }: Dockerfile, range: Range, { plan }: LookOptions) => ({
  file: plan.fileName,
  line: range.start.line,
  snippet: formatSnippet(text, range),
});
