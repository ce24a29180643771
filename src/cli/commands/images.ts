import { type ImageRow, listImageRows } from '../../app/images.ts';
import { familiarName, parseReference } from '../../oci/reference.ts';
import { formatOption, printList } from '../format-option.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';
import { formatTable } from '../table.ts';
import { formatAge, formatDockerSize, shortId } from '../units.ts';

export const command: CommandSpec = {
  name: 'images',
  aliases: ['image ls', 'image list'],
  summary: 'List images',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  arity: [0, 1],
  options: [
    { flags: '-a, --all', summary: 'the images of build steps too', common: true },
    { flags: '-q, --quiet', summary: 'ids only', common: true },
    { flags: '--no-trunc', summary: 'whole ids', common: true },
    { flags: '--digests', summary: 'the digests of the manifests too' },
    {
      flags: '-f, --filter <key=value>',
      summary: 'dangling=true, label=, before=, since=, until= or reference=PATTERN',
      repeat: true,
    },
    formatOption,
  ],
  examples: ['dobos images', 'dobos images -a', "dobos images --format '{{.Repository}}:{{.Tag}} {{.Size}}'"],
  async run({ app, terminal, args, options }) {
    const rows = await listImageRows(app, {
      all: flagOption(options, 'all'),
      repository: args[0],
      filters: listOption(options, 'filter'),
      onBroken: ({ names, target, error }) =>
        terminal.err(
          `dobos: warning: left out ${names.map((name) => familiarName(parseReference(name))).join(', ') || shortId(target.digest)}: ${error instanceof Error ? error.message : String(error)}\n`,
        ),
    });
    const whole = options.trunc === false;
    if (flagOption(options, 'quiet')) {
      const ids = [...new Set(rows.map(({ id }) => (whole ? id : shortId(id))))];
      await terminal.out(ids.map((id) => `${id}\n`).join(''));
      return 0;
    }
    const now = app.settings.now();
    const values = rows.map((row) => docketOf(row, now, whole));
    if (options.format !== undefined)
      return printList(terminal, textOption(options, 'format'), values, HEADINGS);
    const digests = flagOption(options, 'digests');
    const head = ['REPOSITORY', 'TAG', ...(digests ? ['DIGEST'] : []), 'IMAGE ID', 'CREATED', 'SIZE'];
    const lines = values.map((row) => [
      row.Repository,
      row.Tag,
      ...(digests ? [row.Digest] : []),
      row.ID,
      row.CreatedSince,
      row.Size,
    ]);
    await terminal.out(formatTable([head, ...lines]));
    return 0;
  },
};

const HEADINGS = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
};

function docketOf(row: ImageRow, now: number, whole: boolean) {
  return {
    Repository: row.repository,
    Tag: row.tag,
    Digest: row.digest,
    ID: whole ? row.id : shortId(row.id),
    CreatedSince: row.createdAt === 0 ? 'N/A' : `${formatAge(now - row.createdAt)} ago`,
    CreatedAt: new Date(row.createdAt).toISOString(),
    Size: formatDockerSize(row.size),
  };
}
