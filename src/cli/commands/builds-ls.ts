import { type ListedBuild, listBuilds } from '../../app/build-records.ts';
import {
  countSteps,
  durationText,
  recordMs,
  recordName,
  stepsText,
  writtenSteps,
} from '../build-record-text.ts';
import { safeJson } from '../build-view/safe-text.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatAge } from '../units.ts';

export const command: CommandSpec = {
  name: 'builds ls',
  aliases: ['builds list', 'buildx history ls'],
  summary: 'List the builds of this store, newest first: how they ended, how long they took, what ran',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-q, --quiet', summary: 'ids only', common: true },
    { flags: '--json', summary: 'one JSON object a build; as --format json', common: true },
    formatOption,
  ],
  examples: [
    'dobos builds ls',
    "dobos builds ls --format '{{.Ref}} {{.Status}} {{.Duration}}'",
    'dobos builds inspect ^0',
  ],
  limits: ['The newest 50 builds have a record; older ones go on their own.'],
  async run({ app, terminal, options }) {
    const builds = await listBuilds(app);
    const now = app.settings.now();
    if (flagOption(options, 'quiet')) {
      await terminal.out(builds.map(({ file }) => `${file.id}\n`).join(''));
      return 0;
    }
    if (flagOption(options, 'json') || options.format === 'json') {
      for (const build of builds) await terminal.out(`${safeJson(jsonOf(build, now))}\n`);
      return 0;
    }
    const rows = builds.map((build) => rowOf(build, now));
    if (options.format !== undefined)
      return printList(terminal, textOption(options, 'format'), rows, HEADINGS);
    const lines = rows.map((row) => [row.Ref, row.Name, row.Status, row.CreatedAt, row.Duration, row.Steps]);
    await terminal.out(formatTable([Object.values(HEADINGS), ...lines]));
    return 0;
  },
};

const HEADINGS = {
  Ref: 'BUILD ID',
  Name: 'NAME',
  Status: 'STATUS',
  CreatedAt: 'CREATED AT',
  Duration: 'DURATION',
  Steps: 'STEPS',
};

function rowOf(build: ListedBuild, now: number) {
  const { file, record, status } = build;
  return {
    Ref: file.id,
    Name: record === undefined ? '-' : recordName(record),
    Status: status,
    CreatedAt: `${formatAge(Math.max(0, now - file.startedAt))} ago`,
    Duration: durationText(recordMs(build, now)),
    Steps: record === undefined ? '-' : stepsText(record),
  };
}

/** buildx's keys, and what it has no word for. */
function jsonOf(build: ListedBuild, now: number) {
  const { file, record, status } = build;
  const counts = record && countSteps(record);
  return {
    ref: file.id,
    name: record === undefined ? undefined : recordName(record),
    status,
    created_at: new Date(file.startedAt).toISOString(),
    completed_at: record?.endedAt === undefined ? undefined : new Date(record.endedAt).toISOString(),
    duration_ms: recordMs(build, now),
    total_steps: record === undefined ? undefined : writtenSteps(record).length,
    completed_steps: counts && counts.ran + counts.cached,
    cached_steps: counts?.cached,
    failed_steps: counts?.failed,
  };
}
