import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseTemplate } from './parse-template.ts';
import { runTable, unescapeListFormat } from './run-table.ts';
import { runTemplate } from './run-template.ts';

const IMAGE = {
  Id: 'sha256:abc',
  Size: 1234,
  Ok: true,
  Nothing: undefined,
  Config: { Env: ['A=1', 'B=2'], Labels: { b: '2', a: '1' }, Cmd: [] },
  RootFS: { Type: 'layers', Layers: ['sha256:1', 'sha256:2', 'sha256:3'] },
};
const run = (text: string, value: unknown = IMAGE) => runTemplate(parseTemplate(text), value);

describe('a template that cannot be read', () => {
  it.each([
    ['{{', 'unclosed action'],
    ['{{.Id', 'unclosed action'],
    ['a\nb {{.Id }', ':2:'],
    ['{{.Id}', 'unexpected "}"'],
    ['{{}}', 'missing value for command'],
    ['{{"x}}', 'unterminated quoted string'],
    ['{{`x}}', 'unterminated raw quoted string'],
    ['{{"\\q"}}', 'unknown escape'],
    ['{{(.Id}}', 'unclosed left paren'],
    ['{{.Id)}}', 'unexpected ")"'],
    ['{{nope .Id}}', 'function "nope" not defined'],
    ['{{if .Id}}x', 'has no {{end}}'],
    ['{{end}}', 'unexpected {{end}}'],
    ['{{else}}', 'unexpected {{else}}'],
    ['{{if 1}}{{else}}{{else}}{{end}}', 'second {{else}}'],
    ['{{break}}', 'outside {{range}}'],
    ['{{define "x"}}{{end}}', 'not supported'],
    ['{{1 2}}', "can't give argument to non-function 1"],
    ['{{.Id | 1}}', 'non executable command'],
    ['{{/* x}}', 'unclosed comment'],
    ['{{$a, $b := .Id}}', 'too many declarations'],
    [`${'('.repeat(3)}{{${'('.repeat(200)}`, 'parentheses'],
    ['{{if 1}}'.repeat(200), 'inside each other'],
    ['x'.repeat(70_000), 'characters'],
  ])('%j says %j', (text, why) => {
    expect(() => parseTemplate(text)).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_INVALID', message: expect.stringContaining(why) }),
    );
  });

  it('never ends in anything but a template error', () => {
    const piece = fc.constantFrom(
      '{{',
      '}}',
      ' ',
      '.A',
      '$x',
      ':=',
      'if',
      'end',
      'range',
      '"',
      '`',
      '(',
      ')',
      '|',
      '-',
      '/*',
      'len',
      '1',
      'é',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          run(pieces.join(''), { A: [1] });
        } catch (error) {
          expect((error as { code?: string }).code).toMatch(/^TEMPLATE_/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a template that fails while it runs', () => {
  it('names place, field and the fields there are', () => {
    expect(() => run('\n{{.Config.Foo}}')).toThrow(
      expect.objectContaining({
        message: 'template: :2:2: executing at <.Config.Foo>: there is no field Foo',
        hint: 'fields: Cmd, Env, Labels',
      }),
    );
  });

  it.each([
    ['{{.Id.X}}', "can't evaluate field X in type string"],
    ['{{.Nothing.X}}', 'nil has no field X'],
    ['{{$x}}', 'undefined variable "$x"'],
    ['{{len 3}}', 'len of type int'],
    ['{{index .RootFS.Layers 9}}', 'index out of range: 9'],
    ['{{eq .Id 1}}', 'incompatible types'],
    ['{{lt true false}}', 'invalid type for comparison'],
    ['{{join .Id ","}}', 'expected a list; got string'],
    ['{{upper 1}}', 'expected string; got int'],
    ['{{len}}', 'want 1 got 0'],
    ['{{range .Ok}}{{end}}', "can't iterate over true"],
    ['{{.Id .Id}}', "can't give argument to non-function .Id"],
    ['{{range 100000}}{{range 100000}}{{end}}{{end}}', 'turns of loops'],
  ])('%s says %j', (text, why) => {
    expect(() => run(text)).toThrow(
      expect.objectContaining({ code: 'TEMPLATE_FAILED', message: expect.stringContaining(why) }),
    );
  });
});

describe('a template prints what Go prints', () => {
  it.each<[string, string]>([
    ['plain } text', 'plain } text'],
    ['{{.Id}} {{ .Size }}', 'sha256:abc 1234'],
    ['{{join .RootFS.Layers "\\n "}}', 'sha256:1\n sha256:2\n sha256:3'],
    ['{{json .Config.Env}}', '["A=1","B=2"]'],
    ['{{json .Nothing}}', 'null'],
    ['{{.Config.Env}}', '[A=1 B=2]'],
    ['{{.Config.Labels}}', 'map[a:1 b:2]'],
    ['{{.Config.Labels.a}}{{.Config.Labels.zzz}}', '1<no value>'],
    ['{{index .Config.Labels "b"}}{{index .Config.Labels "no"}}', '2'],
    ['{{index .RootFS.Layers 1}}', 'sha256:2'],
    ['{{slice .Id 0 6}}{{len (slice .RootFS.Layers 1)}}', 'sha2562'],
    ['{{.Id | upper | printf "%s!"}}', 'SHA256:ABC!'],
    [
      '{{printf "%-6s|%4d|%04d|%.2f|%q|%x|%v|%t|%%" "ab" 7 7 1.5 "q" 255 .Ok .Ok}}',
      'ab    |   7|0007|1.50|"q"|ff|true|true|%',
    ],
    ['{{printf "%d %s" "x"}}{{printf "a" 1}}', '%!d(string=x) %!s(MISSING)a%!(EXTRA int=1)'],
    ['{{println 1 "a"}}', '1 a\n'],
    ['{{print 1 2 "a" "b"}}', '1 2ab'],
    [
      '{{title "hello world"}} {{lower "AB"}} {{pad "x" 1 2}}| {{truncate "abcdef" 3}}',
      'Hello World ab  x  | abc',
    ],
    ['{{split "a,b" ","}}', '[a b]'],
    ['{{range .RootFS.Layers}}<{{.}}>{{end}}', '<sha256:1><sha256:2><sha256:3>'],
    ['{{range $i, $e := .Config.Env}}{{if $i}}, {{end}}{{$i}}={{$e}}{{end}}', '0=A=1, 1=B=2'],
    ['{{range $k, $v := .Config.Labels}}{{$k}}:{{$v}};{{end}}', 'a:1;b:2;'],
    ['{{range .Config.Cmd}}x{{else}}none{{end}}', 'none'],
    ['{{range .RootFS.Layers}}{{if eq . "sha256:2"}}{{continue}}{{end}}{{.}}{{break}}{{end}}', 'sha256:1'],
    ['{{if .Config.Cmd}}a{{else if .Ok}}b{{else}}c{{end}}', 'b'],
    ['{{with .Config}}{{len .Env}}{{$.Id}}{{end}}', '2sha256:abc'],
    ['{{with .Nothing}}x{{else with .Id}}{{.}}{{end}}', 'sha256:abc'],
    ['{{$x := 1}}{{if true}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}', '2'],
    [
      '{{and .Ok .Id}} {{or .Nothing "d"}} {{not .Ok}} {{and .Nothing .Nothing.X}}',
      'sha256:abc d false <no value>',
    ],
    [
      '{{eq .Size 1 1234}} {{ne 1 2}} {{lt 1 2}} {{le "a" "a"}} {{gt 1.5 1}} {{ge 1 2}}',
      'true true true true true false',
    ],
    ['a  {{- " b " -}}  c', 'a b c'],
    ['a\n{{/* note */ -}}\n b', 'a\nb'],
    ['{{-1}} {{- 2}}', '-12'],
    ['{{"\\t\\u00e9\\x41\\101"}}{{`\\n`}}', '\téAA\\n'],
    ["{{'a'}} {{0x10}} {{1e3}} {{1.25}}", '97 16 1000 1.25'],
    ['{{(index .RootFS.Layers 0) | len}}', '8'],
    ['{{html "<a>"}} {{urlquery "a b/c"}}', '&lt;a&gt; a+b%2Fc'],
    ['{{.Nothing}}', '<no value>'],
    ['{{range 3}}{{.}}{{end}}', '012'],
  ])('%s', (text, want) => {
    expect(run(text)).toBe(want);
  });

  it('does not reach what only the prototype has', () => {
    expect(() => run('{{.Config.HasOwnProperty}}')).toThrow('no field');
    expect(run('{{.constructor}}')).toBe('<no value>');
    expect(run('{{index .Config.Labels "constructor"}}')).toBe('');
  });
});

describe('a list by a template', () => {
  const rows = [
    { ID: 'abc', Name: 'debian' },
    { ID: 'abcdefghijklmn', Name: 'x' },
  ];
  const headings = { ID: 'IMAGE ID', Name: 'NAME' };

  it('with table in front has headings and columns', () => {
    const template = parseTemplate(unescapeListFormat('table {{.ID}}\\t{{.Name}}'));
    expect(runTable(template, rows, headings)).toBe(
      'IMAGE ID         NAME\nabc              debian\nabcdefghijklmn   x\n',
    );
  });

  it('without it is a line per row', () => {
    expect(runTable(parseTemplate('{{.ID}}={{.Name}}'), rows, headings)).toBe(
      'abc=debian\nabcdefghijklmn=x\n',
    );
  });
});
