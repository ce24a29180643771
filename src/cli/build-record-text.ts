import { basename } from 'node:path';
import type { ListedBuild } from '../app/build-records.ts';
import type { BuildRecord, RecordedStep } from '../build/records/record.ts';
import { familiarName, parseReference } from '../oci/reference.ts';
import { formatDuration } from './units.ts';

/** What a build is called: its names; without one what its folder or URL ends in. The target in brackets. */
export function recordName({ names, context, target }: BuildRecord): string {
  if (names.length > 0) return names.map(familiar).join(', ');
  const place = basename(context.replace(/\?.*$/, '')) || context;
  return target === undefined ? place : `${place} (${target})`;
}

/** As people write it; the record is anybody's, and what is no name stays as it is. */
function familiar(name: string): string {
  try {
    return familiarName(parseReference(name));
  } catch {
    return name;
  }
}

/** Milliseconds that a build took, or has taken until `now`; undefined of one that died. */
export function recordMs({ record, status }: ListedBuild, now: number): number | undefined {
  if (record === undefined) return undefined;
  const end = status === 'Running' ? now : record.endedAt;
  return end === undefined ? undefined : Math.max(0, end - record.startedAt);
}

export const durationText = (ms: number | undefined): string => (ms === undefined ? '-' : formatDuration(ms));

/** The steps that a line of the Dockerfile stands for. */
export const writtenSteps = ({ steps }: BuildRecord): readonly RecordedStep[] =>
  steps.filter(({ implied }) => !implied);

/** `3 ran, 4 cached`. */
export function stepsText(record: BuildRecord): string {
  const counts = countSteps(record);
  const words = COUNTED.flatMap((outcome) =>
    counts[outcome] === 0 ? [] : [`${counts[outcome]} ${outcome}`],
  );
  return words.join(', ') || '-';
}

const COUNTED = ['running', 'ran', 'failed', 'stopped', 'cached'] as const;

export function countSteps(record: BuildRecord): Readonly<Record<RecordedStep['outcome'], number>> {
  const counts = { waiting: 0, running: 0, cached: 0, ran: 0, failed: 0, stopped: 0 };
  for (const { outcome } of writtenSteps(record)) counts[outcome]++;
  return counts;
}
