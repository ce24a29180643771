import { describe, expect, it } from 'vitest';
import { instructionText, keywordOf, originOf, placeRows } from './instruction.ts';
import { dockerfileSource } from './instruction-source.ts';

describe('a row of history', () => {
  it.each([
    ['/bin/sh -c #(nop)  CMD ["sh"]', 'CMD', 'CMD ["sh"]'],
    ['/bin/sh -c #(nop) ADD file:1 in / ', 'ADD', 'ADD file:1 in / '],
    ['/bin/sh -c make', 'RUN', 'RUN make'],
    ['|1 A=b /bin/sh -c make', 'RUN', 'RUN make'],
    ['RUN |1 A=b /bin/sh -c make # buildkit', 'RUN', 'RUN make'],
    ['RUN /bin/sh -c a\n  b # buildkit', 'RUN', 'RUN a↵b'],
    ['COPY a b # buildkit', 'COPY', 'COPY a b'],
    ['COPYCAT a', undefined, 'COPYCAT a'],
    ['bash', undefined, 'bash'],
    [undefined, undefined, ''],
  ])('%j is %s', (createdBy, keyword, text) => {
    expect(keywordOf(createdBy)).toBe(keyword);
    expect(instructionText({ createdBy })).toBe(text);
  });

  it('of a stranger is read in time that grows with its length', () => {
    const createdBy = `|99 ${'a=b=c=d=e=f= '.repeat(5000)}x`;
    expect(instructionText({ createdBy })).toBe(createdBy);
    expect(instructionText({ createdBy: `RUN ${createdBy}` })).toBe(`RUN ${createdBy}`);
    const blanks = ' '.repeat(200_000);
    expect(instructionText({ createdBy: `RUN a${blanks}b` })).toBe(`RUN a${blanks}b`);
  });

  it.each([
    [{ createdBy: 'RUN x' }, 'instruction'],
    [{ comment: 'Imported from -' }, 'import'],
    [{ createdBy: 'bazel build ...' }, 'tool'],
    [{ createdBy: "# debian.sh --arch 'amd64'", comment: 'debuerreotype 0.15' }, 'tool'],
    [{ comment: 'merge sha256:1 to sha256:2' }, 'squash'],
    [{ createdBy: 'bash' }, 'unexplained'],
    [{ createdBy: 'bash', comment: 'what I did' }, 'unexplained'],
    [{}, 'unexplained'],
  ])('%j comes from an %s', (row, origin) => {
    expect(originOf({ empty: false, ...row })).toBe(origin);
  });

  it('that is missing explains nothing', () => {
    expect(originOf(undefined)).toBe('unexplained');
  });
});

describe('the lines of a Dockerfile', () => {
  const TEXT = `ARG V
FROM debian AS base
RUN one
FROM scratch AS other
COPY --from=base /a /a
FROM base
ARG X
RUN two \\
  and more
ENV A=b
CMD ["x"]
`;
  const rows = (...texts: readonly string[]) => texts.map((createdBy) => ({ createdBy }));
  const lines = (places: ReturnType<typeof placeRows>) => [...places].map(([row, { line }]) => [row, line]);

  it('are followed from the end, through the stages that a stage continues', () => {
    const source = dockerfileSource('Dockerfile', TEXT)!;
    const history = rows('ADD root', 'CMD ["bash"]', '/bin/sh -c one', 'RUN two', 'ENV A=b', 'CMD ["x"]');
    expect(lines(placeRows(history, source))).toEqual([
      [5, 11],
      [4, 10],
      [3, 8],
      [2, 3],
    ]);
  });

  it('end where both tell of different things', () => {
    const source = dockerfileSource('Dockerfile', TEXT)!;
    expect(lines(placeRows(rows('RUN one', 'COPY two', 'ENV A=b', 'CMD x'), source))).toEqual([
      [3, 11],
      [2, 10],
    ]);
    expect(lines(placeRows([], source))).toEqual([]);
  });

  it('are those of the wanted stage', () => {
    expect(dockerfileSource('f', TEXT, 'OTHER')!.instructions.map(({ line }) => line)).toEqual([5]);
    expect(dockerfileSource('f', TEXT, '0')!.instructions.map(({ line }) => line)).toEqual([3]);
    expect(dockerfileSource('f', TEXT, 'none')).toBeUndefined();
    expect(dockerfileSource('f', '# nothing\n')).toBeUndefined();
  });

  it('of stages that name themselves end', () => {
    const text = 'FROM a AS a\nRUN x\nFROM a AS a\nRUN y\n';
    expect(dockerfileSource('f', text)!.instructions.map(({ line }) => line)).toEqual([2, 4]);
  });
});
