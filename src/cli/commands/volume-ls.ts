import { listVolumes } from '../../app/volumes.ts';
import { safeText } from '../build-view/safe-text.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';

export const command: CommandSpec = {
  name: 'volume ls',
  aliases: ['volume list'],
  summary: 'List volumes',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [
    { flags: '-q, --quiet', summary: 'names only', common: true },
    {
      flags: '-f, --filter <key=value>',
      summary: 'dangling=true, driver=, label=KEY[=VALUE], name=',
      repeat: true,
      common: true,
    },
    formatOption,
  ],
  examples: ['dobos volume ls', 'dobos volume ls -q --filter dangling=true', 'dobos volume ls --format json'],
  async run({ app, terminal, options }) {
    const volumes = await listVolumes(app, listOption(options, 'filter'));
    if (flagOption(options, 'quiet')) {
      await terminal.out(volumes.map(({ Name }) => `${Name}\n`).join(''));
      return 0;
    }
    const rows = volumes.map(({ Driver, Labels, Mountpoint, Name, Scope }) => ({
      Driver,
      Labels: Object.entries(Labels ?? {})
        .map(([label, value]) => safeText(`${label}=${value}`))
        .join(','),
      Links: 'N/A',
      Mountpoint,
      Name,
      Scope,
      Size: 'N/A',
    }));
    const format = textOption(options, 'format');
    if (format !== undefined) return printList(terminal, format, rows, HEADINGS);
    await terminal.out(
      // docker's columns are never narrower than ten.
      formatTable([
        [HEADINGS.Driver.padEnd(7), HEADINGS.Name],
        ...rows.map(({ Driver, Name }) => [Driver, Name]),
      ]),
    );
    return 0;
  },
};

const HEADINGS = {
  Driver: 'DRIVER',
  Labels: 'LABELS',
  Links: 'LINKS',
  Mountpoint: 'MOUNTPOINT',
  Name: 'VOLUME NAME',
  Scope: 'SCOPE',
  Size: 'SIZE',
};
