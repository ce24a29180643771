import { describe, expect, it } from 'vitest';
import { parseArguments } from './parse-arguments.ts';
import type { CommandSpec } from './spec.ts';

const spec: CommandSpec = {
  name: 'test',
  aliases: [],
  summary: 'Test',
  usage: '[OPTIONS] A [B]',
  arity: [1, 2],
  options: [
    { flags: '-t, --tag <name>', summary: 'a list', repeat: true },
    { flags: '--progress <how>', summary: 'a choice', choices: ['auto', 'plain'], default: 'auto' },
    { flags: '--no-trunc', summary: 'a flag that is on' },
    { flags: '-q, --quiet', summary: 'a flag' },
  ],
  later: ['--secret', '-p'],
  examples: [],
  run: async () => 0,
};
const parse = (...words: string[]) => parseArguments(spec, words);
const passing: CommandSpec = { ...spec, passThrough: true, arity: [0, 9] };

describe('the parser of command lines', () => {
  it('takes options before and after arguments, joined and apart', async () => {
    const { args, options } = await parse('a', '-t', 'one', '--tag=two', 'b', '-q');
    expect(args).toEqual(['a', 'b']);
    expect(options).toEqual({ tag: ['one', 'two'], progress: 'auto', trunc: true, quiet: true });
  });

  it('gives the same options without words as commander does with none set', async () => {
    const without = await parseArguments({ ...spec, arity: [0, 1] }, []);
    const one = await parse('a');
    expect(without.options).toEqual(one.options);
    expect(without.args).toEqual([]);
  });

  it('takes what stands behind -- as an argument', async () => {
    expect((await parse('--', '-q')).args).toEqual(['-q']);
  });

  it('leaves options behind the first argument to the program that is run', async () => {
    const { args, options } = await parseArguments(passing, ['-q', 'image', 'ls', '-l', '--tag']);
    expect([args, options.quiet]).toEqual([['image', 'ls', '-l', '--tag'], true]);
  });

  it.each([
    [['a', '--frob'], 'CLI_USAGE', 'unknown option "--frob"'],
    [['a', '--quite'], 'CLI_USAGE', 'unknown option "--quite"'],
    [['a', '-t'], 'CLI_USAGE', 'argument missing'],
    [['a', '--progress', 'x'], 'CLI_USAGE', 'Allowed choices are auto, plain'],
    [[], 'CLI_USAGE', 'needs at least 1 argument, got 0'],
    [['a', 'b', 'c'], 'CLI_USAGE', 'needs at most 2 arguments, got 3'],
    [['a', '--secret', 'x'], 'CLI_LATER', '"test --secret" is not part of this version yet'],
    [['a', '-p80:80'], 'CLI_LATER', '"test -p" is not part of this version yet'],
  ])('refuses %j', async (words, code, message) => {
    await expect(parse(...words)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('names the option that was meant', async () => {
    await expect(parse('a', '--quite')).rejects.toMatchObject({ hint: expect.stringContaining('"--quiet"') });
  });

  it('wants no arguments beside --help and -h', async () => {
    expect((await parse('--help')).options.help).toBe(true);
    expect((await parse('-h')).options.help).toBe(true);
  });

  it('leaves -h to a command that has its own', async () => {
    const own = { ...spec, options: [{ flags: '-h, --hostname <name>', summary: '' }] };
    expect((await parseArguments(own, ['-h', 'box', 'a'])).options).toEqual({ hostname: 'box' });
  });
});
