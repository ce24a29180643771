/**
 * What a build was and how it went, as it is kept in the store: no build argument, no secret, no option of the command line.
 * @module
 */
import { isDigest } from '../../oci/digest.ts';
import type { Digest } from '../../oci/types.ts';

export interface BuildRecord {
  readonly id: string;
  /** Full names that the image was to have. */
  readonly names: readonly string[];
  /** The folder, `-`, or a URL without credentials. */
  readonly context: string;
  /** Undefined if the build did not come to it. */
  readonly dockerfile: { readonly path: string; readonly digest: Digest } | undefined;
  readonly target: string | undefined;
  readonly platforms: readonly string[];
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Undefined while it runs, and for ever if it was killed. */
  readonly endedAt: number | undefined;
  readonly outcome: BuildOutcome | undefined;
  readonly warnings: readonly string[];
  /** In the order of the graph; none if the build was not planned. */
  readonly steps: readonly RecordedStep[];
}

export type BuildOutcome =
  | { readonly kind: 'built'; readonly imageId: Digest; readonly manifest: Digest }
  | {
      readonly kind: 'failed';
      readonly code: string | undefined;
      readonly message: string;
      readonly hint: string | undefined;
      readonly line: number | undefined;
      /** The image of what the failed step left, as it was kept then. */
      readonly left: Digest | undefined;
    }
  | { readonly kind: 'cancelled' };

const STEP_OUTCOMES = ['waiting', 'running', 'cached', 'ran', 'failed', 'stopped'] as const;

export interface RecordedStep {
  readonly id: string;
  readonly stage: {
    readonly name: string;
    readonly index: number;
    readonly step: number;
    readonly steps: number;
  };
  readonly text: string;
  /** In the Dockerfile. */
  readonly line: number;
  /** No line of the Dockerfile stands for it. */
  readonly implied: boolean;
  readonly outcome: (typeof STEP_OUTCOMES)[number];
  /** What it took; of a cached one what it took when it ran, if that is known. */
  readonly ms: number | undefined;
  /** Of the uncompressed tar. */
  readonly layerBytes: number | undefined;
  readonly imageId: Digest | undefined;
  /** Why it ran, a sentence each; values of arguments are left out. */
  readonly why: readonly string[];
  /** Bytes that it printed: more than its log has if that was cut. */
  readonly printed: number;
}

const VERSION = 1;

export function formatRecord(record: BuildRecord): string {
  return `${JSON.stringify({ version: VERSION, ...record })}\n`;
}

/** The record; undefined for a text that is none: the file is anybody's who can write to the store. Texts in it are not made safe for a terminal. */
export function parseRecord(text: string): BuildRecord | undefined {
  try {
    const value = fieldsOf(JSON.parse(text));
    return value.version === VERSION ? readRecord(value) : undefined;
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readRecord(value: Fields): BuildRecord {
  const { dockerfile, outcome } = value;
  const file = dockerfile === undefined ? undefined : fieldsOf(dockerfile);
  return {
    id: text(value.id, ID),
    names: list(value.names).map((each) => text(each)),
    context: text(value.context),
    dockerfile: file && { path: text(file.path), digest: digest(file.digest) },
    target: maybe(value.target, text),
    platforms: list(value.platforms).map((each) => text(each)),
    startedAt: moment(value.startedAt),
    endedAt: maybe(value.endedAt, moment),
    outcome: outcome === undefined ? undefined : readOutcome(fieldsOf(outcome)),
    warnings: list(value.warnings).map((each) => text(each)),
    steps: list(value.steps).map((each) => readStep(fieldsOf(each))),
  };
}

function readOutcome(value: Fields): BuildOutcome {
  switch (value.kind) {
    case 'built':
      return { kind: 'built', imageId: digest(value.imageId), manifest: digest(value.manifest) };
    case 'failed':
      return {
        kind: 'failed',
        code: maybe(value.code, text),
        message: text(value.message),
        hint: maybe(value.hint, text),
        line: maybe(value.line, count),
        left: maybe(value.left, digest),
      };
    case 'cancelled':
      return { kind: 'cancelled' };
    default:
      return refuse();
  }
}

function readStep(value: Fields): RecordedStep {
  const stage = fieldsOf(value.stage);
  return {
    id: text(value.id, STEP_ID),
    stage: {
      name: text(stage.name),
      index: count(stage.index),
      step: count(stage.step),
      steps: count(stage.steps),
    },
    text: text(value.text),
    line: count(value.line),
    implied: value.implied === true,
    outcome: STEP_OUTCOMES.find((each) => each === value.outcome) ?? refuse(),
    ms: maybe(value.ms, count),
    layerBytes: maybe(value.layerBytes, count),
    imageId: maybe(value.imageId, digest),
    why: list(value.why).map((each) => text(each)),
    printed: count(value.printed),
  };
}

/** Of builds: letters and digits, no image's id. */
const ID = /^[a-z][a-z0-9]{11}$/;
/** Of steps: names of files too. */
const STEP_ID = /^[a-z0-9]{1,24}$/;
/** Last moment that a date can show, in epoch milliseconds. */
const LAST_MOMENT = 8.64e15;

const refuse = (): never => {
  throw new TypeError('this is no record of a build');
};
const fieldsOf = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : refuse();
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : refuse());
const text = (value: unknown, shape?: RegExp): string =>
  typeof value === 'string' && (shape === undefined || shape.test(value)) ? value : refuse();
const count = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : refuse();
const moment = (value: unknown): number => (count(value) <= LAST_MOMENT ? count(value) : refuse());
const digest = (value: unknown): Digest => (isDigest(value) ? value : refuse());
const maybe = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === undefined ? undefined : read(value);
