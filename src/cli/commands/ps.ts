import {
  type ContainerSize,
  containerSizes,
  listContainers,
  shownImages,
} from '../../app/list-containers.ts';
import { networkMode } from '../../containers/network-facts.ts';
import type { Container } from '../../containers/types.ts';
import { createPaint } from '../colour.ts';
import { formatPorts } from '../container-ports.ts';
import { formatCommand, formatStatus } from '../container-status.ts';
import { cliError } from '../errors.ts';
import { formatError } from '../format-error.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, listOption, type OptionValues, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatAge, formatDockerSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'ps',
  aliases: ['container ls', 'container list', 'container ps'],
  summary: 'List containers',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-a, --all', summary: 'those that do not run too', common: true },
    { flags: '-q, --quiet', summary: 'ids only', common: true },
    { flags: '-s, --size', summary: 'what each wrote, and that with its image (virtual)', common: true },
    { flags: '--no-trunc', summary: 'whole ids and commands', common: true },
    {
      flags: '-f, --filter <key=value>',
      summary: 'only what fits, such as name=box, status=exited or label=job',
      repeat: true,
    },
    { flags: '-n, --last <count>', summary: 'the newest so many, whatever they do' },
    { flags: '-l, --latest', summary: 'the newest one' },
    formatOption,
  ],
  examples: [
    'dobos ps -a',
    'dobos ps -as --no-trunc',
    "dobos ps -a --filter status=exited --format 'table {{.Names}}\\t{{.Status}}'",
  ],
  limits: [
    'Filters are id, name, label, status, exited, ancestor, before, since, volume, network, publish and expose.',
  ],
  async run({ app, terminal, options }) {
    const containers = await listContainers(app, {
      all: flagOption(options, 'all'),
      filters: listOption(options, 'filter'),
      last: lastOption(options),
      onBroken: (error) => terminal.err(formatError(error, createPaint(terminal.colour), false)),
    });
    const whole = options.trunc === false;
    if (flagOption(options, 'quiet')) {
      await terminal.out(containers.map(({ id }) => `${whole ? id : shortId(id)}\n`).join(''));
      return 0;
    }
    const format = textOption(options, 'format');
    const wantsSize = flagOption(options, 'size') || /\.Size\b/.test(format ?? '');
    const sizes = wantsSize ? await containerSizes(app, containers) : [];
    const images = await shownImages(app, containers);
    const now = app.settings.now();
    const rows = containers.map((container, at) =>
      rowOf(container, { image: images[at]!, size: sizes[at], now, whole }),
    );
    if (format !== undefined) return printList(terminal, format, rows, HEADINGS);
    const columns = COLUMNS.filter((column) => column !== 'Size' || wantsSize);
    const table = rows.map((row) => columns.map((column) => row[column]));
    await terminal.out(formatTable([columns.map((column) => HEADINGS[column]), ...table]));
    return 0;
  },
};

const COLUMNS = ['ID', 'Image', 'Command', 'RunningFor', 'Status', 'Ports', 'Names', 'Size'] as const;

const HEADINGS = {
  ID: 'CONTAINER ID',
  Image: 'IMAGE',
  Command: 'COMMAND',
  CreatedAt: 'CREATED AT',
  RunningFor: 'CREATED',
  Status: 'STATUS',
  State: 'STATE',
  Ports: 'PORTS',
  Names: 'NAMES',
  Size: 'SIZE',
  Labels: 'LABELS',
  Mounts: 'MOUNTS',
  Networks: 'NETWORKS',
} as const;

function rowOf(
  container: Container,
  o: {
    readonly image: string;
    readonly size: ContainerSize | undefined;
    readonly now: number;
    readonly whole: boolean;
  },
): Readonly<Record<keyof typeof HEADINGS, string>> {
  const { id, name, process, createdAt, state, config } = container;
  return {
    ID: o.whole ? id : shortId(id),
    Image: o.image,
    Command: formatCommand(process.args, o.whole),
    CreatedAt: new Date(createdAt).toISOString(),
    RunningFor: `${formatAge(o.now - createdAt)} ago`,
    Status: formatStatus(container, o.now),
    State: state.kind === 'running' && state.paused === true ? 'paused' : state.kind,
    Ports: formatPorts(container),
    Names: name,
    Size: o.size === undefined ? '' : formatSizes(o.size),
    Labels: Object.entries(config.Labels ?? {})
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    Mounts: process.binds.map(({ source, volume }) => volume ?? source).join(','),
    Networks: networkMode(container),
  };
}

/** `12B (virtual 7.46MB)`; without an image what it wrote only. */
function formatSizes({ written, image }: ContainerSize): string {
  const own = formatDockerSize(written);
  return image === undefined ? own : `${own} (virtual ${formatDockerSize(written + image)})`;
}

/** @throws CLI_USAGE */
function lastOption(options: OptionValues): number | undefined {
  if (flagOption(options, 'latest')) return 1;
  const text = textOption(options, 'last');
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text)) {
    throw cliError('CLI_USAGE', { command: 'ps', problem: `--last is "${text}", want a number` });
  }
  return Number(text);
}
