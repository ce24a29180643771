import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sha256 } from '../../base/bytes.ts';
import { isDobosError, systemCode } from '../../base/errors.ts';
import { makeFolder } from '../../store/atomic-file.ts';
import { acquireLock } from '../../store/locks.ts';
import { removeFile } from '../../store/remove-file.ts';
import type { BuildEvent, StepReport } from '../build-events.ts';
import type { BuildGraph, Step } from '../graph.ts';
import { createMask } from './mask-secrets.ts';
import type { BuildOutcome, BuildRecord, RecordedStep } from './record.ts';
import { lockPath, logPath, newRecordId, recordFile, trimRecords, writeRecord } from './record-files.ts';
import { MAX_STEP_LOG_BYTES, openStepLog, type StepLog } from './step-log.ts';
import { writtenText } from './written-text.ts';

export interface RecorderOptions {
  readonly storeFolder: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly about: Pick<BuildRecord, 'names' | 'context' | 'target' | 'platforms'>;
  /** Values that no log may hold. */
  readonly secrets?: Iterable<Uint8Array> | undefined;
  readonly maxLogBytes?: number | undefined;
}

/** Makes the record of one build. Nothing that goes wrong with a record is an error of the build. */
export interface Recorder {
  readonly id: string;
  /** Tells which Dockerfile it is, before anything happens. */
  reads(path: string, text: string): void;
  /** Takes what happens. */
  watch(event: BuildEvent): void;
  /** The build does more than look at what is there: from now on it can be seen, and be seen to have died. */
  begin(): void;
  /** Writes how it ended; ids of old records that went for it. */
  end(outcome: BuildOutcome, reports?: readonly StepReport[]): Promise<readonly string[]>;
}

/** Milliseconds between two writes of a running build's record. */
const WRITE_EVERY_MS = 20;
/** Characters of a step's text, of a reason and of a message that are kept, and how many warnings. */
const MAX_TEXT = 4096;
const MAX_WARNINGS = 100;

/**
 * A record that is written once at the end if everything is found in the cache, and from the first step that runs otherwise. Logs are files that grow with the output.
 */
export function createRecorder(o: RecorderOptions): Recorder {
  const { storeFolder, now } = o;
  const file = recordFile(storeFolder, newRecordId(), now());
  const steps = new Map<string, RecordedStep>();
  const logs = new Map<string, StepLog>();
  const warnings: string[] = [];
  let dockerfile: BuildRecord['dockerfile'];
  let dockerfileText = '';
  let begun: Promise<() => void> | undefined;
  /** Before the lock is held, the record would look like that of a build that died. */
  let seen = false;
  let timer: NodeJS.Timeout | undefined;

  /** A disk that takes no more, a store that may not be written: the build is told by its own writes, if it has any. */
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      pass(error);
    }
  };
  const write = (end?: Pick<BuildRecord, 'endedAt' | 'outcome'>): void => {
    clearTimeout(timer);
    timer = undefined;
    const record: BuildRecord = {
      id: file.id,
      ...o.about,
      dockerfile,
      startedAt: file.startedAt,
      endedAt: end?.endedAt,
      outcome: end?.outcome,
      warnings,
      steps: [...steps.values()],
    };
    attempt(() => writeRecord(storeFolder, file, record));
  };
  const begin = async (): Promise<() => void> => {
    try {
      makeFolder(dirname(file.path));
      const lock = await acquireLock(lockPath(file), 'exclusive');
      seen = true;
      write();
      return () => {
        lock.release();
        removeFile(lockPath(file));
      };
    } catch (error) {
      pass(error);
      return () => {};
    }
  };
  const writeSoon = (): void => {
    // Long Dockerfiles are written less often.
    timer ??= setTimeout(write, Math.max(WRITE_EVERY_MS, steps.size));
  };
  const change = (id: string, facts: Partial<RecordedStep>): void => {
    const step = steps.get(id);
    if (step === undefined) return;
    steps.set(id, { ...step, ...facts });
    if (seen) writeSoon();
  };
  const close = (id: string): { printed: number } => {
    const log = logs.get(id);
    attempt(() => log?.close());
    return { printed: log?.printed ?? 0 };
  };
  const started = (): void => {
    begun ??= begin();
  };

  return {
    id: file.id,
    reads(path, text) {
      dockerfileText = text;
      dockerfile = { path, digest: sha256(text) };
    },
    begin: started,
    watch(event) {
      switch (event.kind) {
        case 'planned':
          for (const step of plannedSteps(event.graph, dockerfileText)) steps.set(step.id, step);
          return;
        case 'warning':
          if (warnings.length < MAX_WARNINGS) warnings.push(cut(event.message));
          return;
        case 'context':
          return;
        case 'started':
          started();
          return change(event.step, { outcome: 'running', why: event.why.map(withoutValue) });
        case 'output': {
          const { step, bytes } = event;
          const path = logPath(file, step);
          const log =
            logs.get(step) ??
            openStepLog(path, o.maxLogBytes ?? MAX_STEP_LOG_BYTES, createMask(o.secrets ?? []));
          logs.set(step, log);
          attempt(() => log.add(bytes));
          return;
        }
        case 'cached':
          return change(event.step, { outcome: 'cached', imageId: event.imageId });
        case 'done': {
          const { step, imageId, ms, layerBytes } = event;
          return change(step, { outcome: 'ran', imageId, ms, layerBytes, ...close(step) });
        }
        case 'failed': {
          const { step, ms, error } = event;
          const stopped = error instanceof Error && error.name === 'AbortError';
          return change(step, { outcome: stopped ? 'stopped' : 'failed', ms, ...close(step) });
        }
      }
    },
    async end(outcome, reports = []) {
      for (const { step, cached, ms, savedMs, layerBytes } of reports)
        change(step, { ms: cached ? savedMs : ms, layerBytes });
      for (const { id, outcome: was } of steps.values())
        if (was === 'running') change(id, { outcome: 'stopped', ...close(id) });
      const release = await begun;
      // A build that came to nothing makes no store.
      if (!existsSync(join(storeFolder, 'oci-layout'))) return [];
      write({ endedAt: now(), outcome: shortened(outcome) });
      release?.();
      return trimRecords(storeFolder).catch((error: unknown) => {
        pass(error);
        return [];
      });
    },
  };
}

function pass(error: unknown): void {
  if (!isDobosError(error) && systemCode(error) === undefined) throw error;
}

function plannedSteps({ steps }: BuildGraph, dockerfile: string): RecordedStep[] {
  return steps.map(
    (step: Step): RecordedStep => ({
      id: step.id,
      stage: step.stage,
      text: cut(writtenText(step, dockerfile)),
      line: step.origin.start.line,
      implied: step.implied === true,
      outcome: 'waiting',
      ms: undefined,
      layerBytes: undefined,
      imageId: undefined,
      why: [],
      printed: 0,
    }),
  );
}

/** The sentence without what was and is: anybody's token may be a build argument, and stand where the language puts values. */
const withoutValue = (sentence: string): string => cut(sentence.replace(VALUED, '$1'));

/** The shell puts values into RUN, not the language. */
const VALUED =
  /^((?:ARG \S*|ENV \S*|the (?:instruction|working directory|user|mount .*?)) changed): (?!RUN ).*$/s;

function shortened(outcome: BuildOutcome): BuildOutcome {
  if (outcome.kind !== 'failed') return outcome;
  return { ...outcome, message: cut(outcome.message), hint: outcome.hint && cut(outcome.hint) };
}

const cut = (text: string): string => (text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT - 1)}…` : text);
