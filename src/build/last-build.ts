/**
 * What the last build of a Dockerfile was made of, so that a miss can be explained by what changed since. One note per
 * Dockerfile and target, read when the first step misses, written when a build differs from the one before.
 * @module
 */
import { sha256 } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { Notes } from '../store/contract.ts';
import { explainMiss } from './explain-miss.ts';
import { compareFacts, type FileChange, type FileFacts } from './file-facts.ts';
import type { Step } from './graph.ts';
import { cacheId } from './step-cache.ts';
import type { KeyPart, StepKey } from './step-key.ts';

/** The name of the one part that stands for all files of a COPY: they are compared by their own lists. */
export const FILES_PART = '(files)';

interface RememberedStep {
  readonly stage: number;
  readonly position: number;
  readonly key: StepKey;
  /** Digest of the file list of a COPY. */
  readonly files?: string | undefined;
}

export interface LastBuild {
  /** Why the step is not what it was, a sentence each; empty when nothing is known. */
  explain(
    step: Step,
    key: StepKey,
    facts: FileFacts | undefined,
    instructions: readonly string[],
  ): Promise<readonly string[]>;
  /** Notes what the step is now. */
  remember(step: Step, key: StepKey, facts: FileFacts | undefined): void;
  /** Writes the note unless it says this already. Of a build that did not end well the steps it did not reach stay as they were. */
  save(complete: boolean): Promise<void>;
}

const NOTE_KIND = 'lastbuild';
const VERSION = 1;

/** The record of the build that `identity` names (the Dockerfile, its context, the target). */
export function openLastBuild(notes: Notes, identity: string): LastBuild {
  const noteKey = sha256(identity).slice('sha256:'.length);
  const now: RememberedStep[] = [];
  let before: Promise<{ text: string; steps: readonly RememberedStep[] }> | undefined;
  const last = () => {
    before ??= notes.get(NOTE_KIND, noteKey).then((bytes) => {
      const text = bytes?.toString('utf8') ?? '';
      return { text, steps: parseSteps(text) };
    });
    return before;
  };

  return {
    async explain(step, key, facts, instructions) {
      const { steps } = await last();
      if (steps.length === 0) return [];
      const was = findBefore(steps, step, key, instructions);
      if (was === undefined) return ['the instruction is new'];
      const changes =
        facts === undefined || was.files === undefined || was.files === facts.digest
          ? []
          : await compareFacts(notes, was.files, facts);
      const sentences = explainWith(key, was.key, changes ?? []);
      if (changes === undefined) sentences.push('the files changed');
      const base = baseChange(steps, now, step);
      if (sentences.length > 0) {
        return base === undefined ? sentences : sentences.map((each) => (ABOVE.test(each) ? base : each));
      }
      if (base !== undefined) return [base];
      // What is above an ENV or a CMD is in its key without being a part of it.
      const isSame = cacheId(step, key) === cacheId(step, was.key);
      return [isSame ? 'its result is no longer in the store' : 'an instruction above changed'];
    },
    remember(step, key, facts) {
      now.push({ stage: step.stage.index, position: step.stage.step, key, files: facts?.digest });
    },
    async save(complete) {
      const old = await last();
      const reached = new Set(now.map(placeOf));
      const steps = complete ? now : [...now, ...old.steps.filter((step) => !reached.has(placeOf(step)))];
      const ordered = [...steps].sort((a, b) => a.stage - b.stage || a.position - b.position);
      const text = JSON.stringify({ version: VERSION, steps: ordered });
      if (old.text === text) return;
      try {
        await notes.put(NOTE_KIND, noteKey, Buffer.from(text));
      } catch (error) {
        // An explanation lost is no build lost.
        if (!isDobosError(error) || !error.code.startsWith('STORE_')) throw error;
      }
    },
  };
}

/** How explanations say that the cause is further up. */
const ABOVE = /^the files of a step above changed/;

/** The sentence for a stage whose FROM now means another image. */
function baseChange(
  before: readonly RememberedStep[],
  now: readonly RememberedStep[],
  step: Step,
): string | undefined {
  const baseIn = (steps: readonly RememberedStep[]): KeyPart | undefined =>
    steps
      .filter(({ stage, position }) => stage === step.stage.index && position === 1)
      .flatMap(({ key }) => key.parts.find(({ name }) => name === 'base') ?? [])[0];
  const [was, is] = [baseIn(before), baseIn(now)];
  if (was === undefined || is === undefined || was.value === is.value) return undefined;
  return `the base image changed: ${shortDigest(was.value)} → ${shortDigest(is.value)}`;
}

function shortDigest(digest: string): string {
  return digest.replace(/^sha256:(.{12}).*$/, '$1');
}

function placeOf({ stage, position }: RememberedStep): string {
  return `${stage}:${position}`;
}

/** The step it was: the same instruction of the stage, else the one at its place unless that one only moved. */
function findBefore(
  steps: readonly RememberedStep[],
  step: Step,
  key: StepKey,
  instructions: readonly string[],
): RememberedStep | undefined {
  const instruction = instructionOf(key);
  const inStage = steps.filter(({ stage }) => stage === step.stage.index);
  const same = inStage.find((each) => instructionOf(each.key) === instruction);
  if (same !== undefined) return same;
  const atPlace = inStage.find(({ position }) => position === step.stage.step);
  return atPlace !== undefined && instructions.includes(instructionOf(atPlace.key)) ? undefined : atPlace;
}

/** The text of the instruction that a key is of. */
export function instructionOf(key: StepKey): string {
  return key.parts.find(({ name }) => name === 'instruction')?.value ?? '';
}

function explainWith(now: StepKey, before: StepKey, changes: readonly FileChange[]): string[] {
  const parts = (key: StepKey, absent: FileChange['kind'], value: string): KeyPart[] => [
    ...key.parts.filter(({ name, key: path }) => name !== 'file' || path !== FILES_PART),
    ...changes
      .filter(({ kind }) => kind !== absent)
      .map(({ path }): KeyPart => ({ name: 'file', key: path, value })),
  ];
  const sentences = explainMiss(
    { ...now, parts: parts(now, 'gone', 'now') },
    { ...before, parts: parts(before, 'new', 'before') },
  );
  const details = new Map(changes.map(({ path, what }) => [`${path} changed`, what]));
  return sentences.map((sentence) => {
    const what = details.get(sentence);
    return what === undefined ? sentence : `${sentence}: ${what}`;
  });
}

function parseSteps(text: string): readonly RememberedStep[] {
  if (text === '') return [];
  try {
    const { version, steps } = JSON.parse(text) as { version?: unknown; steps?: unknown };
    return version === VERSION && Array.isArray(steps) && steps.every(isRemembered) ? steps : [];
  } catch {
    return [];
  }
}

function isRemembered(value: unknown): value is RememberedStep {
  const { stage, position, key } = (value ?? {}) as Record<string, unknown>;
  const parts = (key as { parts?: unknown } | undefined)?.parts;
  const isPart = (part: unknown): boolean => typeof (part as KeyPart | null)?.value === 'string';
  return (
    typeof stage === 'number' && typeof position === 'number' && Array.isArray(parts) && parts.every(isPart)
  );
}
