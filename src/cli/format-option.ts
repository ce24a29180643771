import { safeFields, safeJson } from './build-view/safe-text.ts';
import type { OptionSpec, OptionValues } from './spec.ts';
import { textOption } from './spec.ts';
import type { Terminal } from './terminal.ts';

export const formatOption: OptionSpec = {
  flags: '--format <template>',
  summary: 'print with a Go template, or `json`',
  common: true,
};

/** Prints a list by a template as docker does: with `table` in front, columns with headings; exit code 0. */
export async function printList(
  terminal: Terminal,
  format: string | undefined,
  rows: readonly unknown[],
  headings: Readonly<Record<string, string>>,
): Promise<number> {
  if (format === undefined || format === 'json') return printFormatted(terminal, {}, rows);
  const [{ parseTemplate }, { runTable, unescapeListFormat }] = await Promise.all([
    import('../template/parse-template.ts'),
    import('../template/run-table.ts'),
  ]);
  await terminal.out(safeFields(runTable(parseTemplate(unescapeListFormat(format)), rows, headings)));
  return 0;
}

/** Prints each value by the `--format` option, a line each, as docker does; exit code 0. Images are anybody's: control characters of their texts are left out. */
export async function printFormatted(
  terminal: Terminal,
  options: OptionValues,
  values: readonly unknown[],
): Promise<number> {
  const format = textOption(options, 'format') ?? 'json';
  if (format === 'json') {
    for (const value of values) await terminal.out(`${safeJson(value)}\n`);
    return 0;
  }
  const { parseTemplate } = await import('../template/parse-template.ts');
  const { runTemplate } = await import('../template/run-template.ts');
  const template = parseTemplate(format);
  for (const value of values) await terminal.out(`${safeFields(runTemplate(template, value))}\n`);
  return 0;
}
