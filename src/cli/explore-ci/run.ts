import { resolve } from 'node:path';
import { type CiReport, checkImage, diveImage } from '../../app/explore-ci.ts';
import { diveText, evaluateDive } from '../../explore/dive-rules.ts';
import { safeFields, safeJson, safeText } from '../build-view/safe-text.ts';
import { createPaint } from '../colour.ts';
import { checkOutputFile, writeOutputFile } from '../output-file.ts';
import { sourceOptions } from '../source-options.ts';
import { type CommandCall, textOption } from '../spec.ts';
import { chosenRules, diveThresholds } from './choose-rules.ts';
import { textReport } from './text.ts';

/** Holds an image to rules and tells how that went: 0 if all are kept, 1 if not. @throws CLI_USAGE, PROJECT_ errors, YAML_SYNTAX, and as `checkImage` */
export async function runRules(call: CommandCall): Promise<number> {
  const { app, terminal, args, options, signal } = call;
  const folder = resolve('.');
  const rules = chosenRules(options, folder, app.settings);
  const output = textOption(options, 'output');
  const json = textOption(options, 'json');
  for (const file of [output, json]) if (file !== undefined && file !== '-') checkOutputFile(file);
  const { report, exploration } = await checkImage(app, args[0]!, rules, {
    ...imageOptions(call),
    folder,
    signal,
    whole: json !== undefined,
  });
  const format = textOption(options, 'format') ?? 'text';
  const plain = (): string => textReport(report, createPaint(false));
  const text =
    format === 'text' ? plain() : await formatted(format, report, app.version, output !== undefined);
  if (output !== undefined) writeOutputFile(output, text);
  if (json === '-') await terminal.out(`${safeJson(exploration)}\n`);
  else if (json !== undefined) writeOutputFile(json, `${JSON.stringify(exploration)}\n`);
  if (json !== '-') {
    const colours = createPaint(terminal.colour && terminal.outIsTty);
    await terminal.out(format === 'text' || output !== undefined ? textReport(report, colours) : text);
  }
  return report.passed ? 0 : 1;
}

async function formatted(
  format: string,
  report: CiReport,
  version: string,
  toFile: boolean,
): Promise<string> {
  // A program reads the file; a terminal may get what goes to standard output.
  const json = (value: unknown): string =>
    `${toFile ? JSON.stringify(value, undefined, 2) : safeJson(value, 2)}\n`;
  switch (format) {
    case 'json':
      return json(report);
    case 'sarif':
      return json((await import('./sarif.ts')).sarifReport(report, version));
    case 'junit':
      return (await import('./junit.ts')).junitReport(report);
    case 'markdown':
      return (await import('./markdown.ts')).markdownReport(report);
    default:
      return (await import('./github.ts')).githubReport(report);
  }
}

/** What dive would do with the same words: its rules over its numbers, or its JSON, which it writes without looking at rules. @throws PROJECT_ errors, YAML_SYNTAX, and as `diveImage` */
export async function runDive(call: CommandCall, rules: boolean): Promise<number> {
  const { app, terminal, args, options, signal } = call;
  const folder = resolve('.');
  const { thresholds, file } = diveThresholds(options, folder);
  const json = textOption(options, 'json');
  if (json !== undefined && json !== '-') checkOutputFile(json);
  const image = await diveImage(app, args[0]!, { ...imageOptions(call), signal });
  if (json !== undefined) {
    if (json === '-') await terminal.out(`${safeJson(image.json(), 2)}\n`);
    else writeOutputFile(json, JSON.stringify(image.json(), undefined, 2));
    if (rules) terminal.err('note: like dive, --json writes the numbers and looks at no rules\n');
    return 0;
  }
  const evaluation = evaluateDive(thresholds, image.numbers);
  const head = rules
    ? [`  Using ${file === undefined ? 'default CI config' : `CI config: ${safeText(file)}`}`]
    : [];
  const text = diveText(rules ? evaluation : undefined, image.numbers, safeFields);
  await terminal.out(`${[...head, 'Analyzing image...', text].join('\n')}`);
  return rules && !evaluation.passed ? 1 : 0;
}

const imageOptions = ({ app, terminal, options }: CommandCall) => ({
  ...sourceOptions(app, terminal, options),
  dockerfile: textOption(options, 'file'),
  target: textOption(options, 'target'),
});
