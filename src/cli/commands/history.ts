import { readHistory } from '../../app/history.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatAge, formatDockerSize, shortId } from '../units.ts';

/** Characters of CREATED BY before docker shortens it. */
const CREATED_BY_WIDTH = 45;

export const command: CommandSpec = {
  name: 'history',
  aliases: ['image history'],
  summary: 'Show how an image was made, newest row first',
  usage: '[OPTIONS] IMAGE',
  arity: [1, 1],
  options: [
    { flags: '--no-trunc', summary: 'whole ids and commands', common: true },
    { flags: '-q, --quiet', summary: 'ids only', common: true },
    { flags: '--no-human', summary: 'sizes in bytes, times as dates' },
    formatOption,
  ],
  examples: [
    'dobos history app',
    'dobos history --no-trunc app',
    "dobos history --format '{{.Size}}\\t{{.CreatedBy}}' app",
  ],
  async run({ app, terminal, args, options }) {
    const rows = await readHistory(app, args[0]!);
    const whole = options.trunc === false;
    const human = options.human !== false;
    const now = app.settings.now();
    const values = rows.map((row) => {
      const text = row.createdBy.replaceAll('\t', ' ');
      return {
        ID: whole ? row.id : shortId(row.id),
        CreatedSince: row.createdAt === 0 ? 'N/A' : `${formatAge(now - row.createdAt)} ago`,
        CreatedAt: new Date(row.createdAt).toISOString(),
        CreatedBy:
          whole || text.length <= CREATED_BY_WIDTH ? text : `${text.slice(0, CREATED_BY_WIDTH - 1)}…`,
        Size: human ? formatDockerSize(row.size) : String(row.size),
        Comment: row.comment,
      };
    });
    if (flagOption(options, 'quiet')) await terminal.out(values.map(({ ID }) => `${ID}\n`).join(''));
    else if (options.format !== undefined)
      return printList(terminal, textOption(options, 'format'), values, HEADINGS);
    else {
      const head = ['IMAGE', 'CREATED', 'CREATED BY', 'SIZE', 'COMMENT'];
      const lines = values.map((row) => [
        row.ID,
        human ? row.CreatedSince : row.CreatedAt,
        row.CreatedBy.replaceAll('\n', '↵'),
        row.Size,
        row.Comment,
      ]);
      await terminal.out(formatTable([head, ...lines]));
    }
    return 0;
  },
};

const HEADINGS = {
  ID: 'IMAGE',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  CreatedBy: 'CREATED BY',
  Size: 'SIZE',
  Comment: 'COMMENT',
};
