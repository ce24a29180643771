import { findReadable, type ListedBuild } from '../../app/build-records.ts';
import { isRootKept } from '../../app/failed-root.ts';
import type { BuildOutcome, BuildRecord, RecordedStep } from '../../build/records/record.ts';
import { countSteps, durationText, recordMs, recordName, writtenSteps } from '../build-record-text.ts';
import { safeLines } from '../build-view/safe-text.ts';
import { stepLabels } from '../build-view/step-label.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatDuration, formatSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'builds inspect',
  aliases: ['buildx history inspect'],
  summary: 'Show what a build did, step by step: outcome, duration, size, and why it ran',
  usage: '[OPTIONS] [BUILD]',
  arity: [0, 1],
  options: [formatOption],
  examples: [
    'dobos builds inspect',
    'dobos builds inspect ^1',
    'dobos builds inspect --format json | jq .Steps',
  ],
  limits: [
    'BUILD is an id, the beginning of one, or ^N for the build N before the newest; without it the newest is meant.',
  ],
  async run({ app, terminal, args, options }) {
    const build = await findReadable(app, args[0] ?? '^0');
    const now = app.settings.now();
    if (options.format !== undefined) return printFormatted(terminal, options, [fieldsOf(build, now)]);
    const kept = build.status === 'Error' && (await isRootKept(app, build.file.id));
    await terminal.out(textOf(build, now, kept));
    return 0;
  },
};

type Readable = ListedBuild & { readonly record: BuildRecord };

/** Characters of a step's text in the table. */
const STEP_WIDTH = 60;

function textOf(build: Readable, now: number, kept: boolean): string {
  const { record, file, status } = build;
  const facts: [string, string | undefined][] = [
    ['Build', file.id],
    ['Name', recordName(record)],
    ['Context', record.context],
    ['Dockerfile', record.dockerfile && `${record.dockerfile.path} (${shortId(record.dockerfile.digest)})`],
    ['Target', record.target],
    ['Platform', record.platforms.filter((each) => each !== '').join(', ') || undefined],
    ['Started', new Date(record.startedAt).toISOString()],
    ['Duration', durationText(recordMs(build, now))],
    ['Status', status === 'Died' ? 'Died: it was killed before it could end' : status],
    ...outcomeFacts(record),
    ['Left', kept ? `open its root file system: dobos run --failed=${file.id} -it sh` : undefined],
  ];
  const shown = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const head = shown.map(
    ([name, text]) => `${`${name}:`.padEnd(13)}${safeLines(text).replaceAll('\n', ' ')}\n`,
  );
  const warnings = record.warnings.map((text) => `warning: ${safeLines(text).replaceAll('\n', ' ')}\n`);
  return [...head, ...warnings, ...(record.steps.length === 0 ? [] : ['\n', stepTable(record)])].join('');
}

function outcomeFacts({ outcome, steps }: BuildRecord): [string, string | undefined][] {
  switch (outcome?.kind) {
    case 'built':
      return [['Image', outcome.imageId]];
    case 'failed': {
      const line = outcome.line === undefined ? '' : ` (line ${outcome.line} of the Dockerfile)`;
      const printed = steps.some(({ printed }) => printed > 0);
      return [
        ['Error', `${outcome.message}${line}`],
        ['Hint', outcome.hint?.split('\n')[0]],
        ['Logs', printed ? 'dobos builds logs' : undefined],
      ];
    }
    case 'cancelled':
    case undefined:
      return [];
  }
}

function stepTable(record: BuildRecord): string {
  const labels = stepLabels(record);
  const rows = writtenSteps(record).map((step) => {
    const { number = 0, text = '' } = labels.get(step.id) ?? {};
    const ran = step.outcome === 'ran' || step.outcome === 'failed' || step.outcome === 'stopped';
    return [
      `#${number}`,
      text.length > STEP_WIDTH ? `${text.slice(0, STEP_WIDTH - 1)}…` : text,
      step.outcome,
      ran && step.ms !== undefined ? formatDuration(step.ms) : '',
      step.layerBytes === undefined ? '' : formatSize(step.layerBytes),
      reasonOf(step),
    ];
  });
  return formatTable([['#', 'STEP', 'OUTCOME', 'DURATION', 'SIZE', 'REASON'], ...rows]);
}

function reasonOf(step: RecordedStep): string {
  if (step.outcome === 'waiting') return '';
  if (step.outcome !== 'cached') return step.why.join('; ') || 'seen for the first time';
  return step.ms !== undefined && step.ms >= 100 ? `saved ${formatDuration(step.ms)}` : '';
}

/** buildx's keys, and what it has no word for. */
function fieldsOf(build: Readable, now: number) {
  const { record, file, status } = build;
  const { outcome, dockerfile } = record;
  const labels = stepLabels(record);
  const counts = countSteps(record);
  const date = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : new Date(ms).toISOString();
  return {
    Ref: file.id,
    Name: recordName(record),
    Names: record.names,
    Context: record.context,
    Dockerfile: dockerfile?.path,
    DockerfileDigest: dockerfile?.digest,
    Target: record.target,
    Platform: record.platforms.filter((each) => each !== ''),
    StartedAt: date(record.startedAt),
    CompletedAt: date(record.endedAt),
    DurationMs: recordMs(build, now),
    Status: status,
    Image: outcome?.kind === 'built' ? { ID: outcome.imageId, Digest: outcome.manifest } : undefined,
    Error: outcome?.kind === 'failed' ? errorOf(outcome) : undefined,
    NumTotalSteps: writtenSteps(record).length,
    NumCompletedSteps: counts.ran + counts.cached,
    NumCachedSteps: counts.cached,
    Warnings: record.warnings,
    Steps: writtenSteps(record).map((step) => ({
      Number: labels.get(step.id)?.number,
      Name: labels.get(step.id)?.text,
      Line: step.line,
      Outcome: step.outcome,
      DurationMs: step.ms,
      Size: step.layerBytes,
      Image: step.imageId,
      Reasons: step.why,
      LogBytes: step.printed,
    })),
  };
}

function errorOf({ code, message, hint, line, left }: BuildOutcome & { readonly kind: 'failed' }) {
  return { Code: code, Message: message, Hint: hint, Line: line, FailedImage: left };
}
