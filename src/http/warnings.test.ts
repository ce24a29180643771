import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HttpEvent } from './types.ts';
import { createWarnings, parseWarning } from './warnings.ts';

describe('a Warning header', () => {
  it.each([
    ['299 - "no more logins"', ['no more logins']],
    ['299 registry.example "say \\"when\\""', ['say "when"']],
    ['299 - "one", 299 - "two, with 299 - inside"', ['one', 'two, with 299 - inside']],
    ['110 - "stale"', []],
    ['299 no quotes', []],
    ['299 - "open', []],
    ['299 - "bell \u0007 and \u001b[31mred\u001b[0m"', ['bell  and [31mred[0m']],
    ['299 - "   "', []],
    [`299 - "${'x'.repeat(5000)}"`, ['x'.repeat(4096)]],
  ])('%j says %j', (value, texts) => expect(parseWarning(value)).toEqual(texts));

  it('is cut between characters', () => {
    const latin1 = Buffer.from(`${'x'.repeat(4095)}é`).toString('latin1');
    expect(parseWarning(`299 - "${latin1}"`)).toEqual(['x'.repeat(4095)]);
  });

  it('is told once per host', () => {
    const events: HttpEvent[] = [];
    const warn = createWarnings((event) => events.push(event));
    warn('a', ['299 - "x"', '299 - "x"']);
    warn('a', ['299 - "x", 299 - "y"']);
    warn('b', ['299 - "x"']);
    expect(events).toEqual([
      { kind: 'warning', host: 'a', text: 'x' },
      { kind: 'warning', host: 'a', text: 'y' },
      { kind: 'warning', host: 'b', text: 'x' },
    ]);
  });

  it('does not fill the memory', () => {
    const events: HttpEvent[] = [];
    const warn = createWarnings((event) => events.push(event));
    for (let i = 0; i < 1000; i++) warn('a', [`299 - "text ${i}"`]);
    expect(events).toHaveLength(100);
  });

  it('never passes a control character or more than 4096 bytes', () => {
    fc.assert(
      fc.property(
        fc
          .tuple(fc.string({ unit: fc.nat(0x2fff).map((code) => String.fromCharCode(code)) }), fc.nat(5000))
          .map(([part, n]) => part.repeat(n).slice(0, 6000)),
        (text) => {
          for (const told of parseWarning(`299 - "${text}"`)) {
            expect(told).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
            expect(Buffer.byteLength(told)).toBeLessThanOrEqual(4096);
          }
        },
      ),
    );
  });
});
