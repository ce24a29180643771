import { describe, expect, it } from 'vitest';
import { formatAge, formatDockerSize, formatDuration, formatSize, shortId } from './units.ts';

describe('units', () => {
  it.each([
    [0, '0B'],
    [999, '999B'],
    [1000, '1kB'],
    [7_458_000, '7.458MB'],
    [128_000_000, '128MB'],
    [1_234_567_890, '1.235GB'],
  ])("writes %d bytes as docker's %s", (bytes, text) => expect(formatDockerSize(bytes)).toBe(text));

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [12_400_000, '12.4 MB'],
    [1_000_000_000_000, '1.0 TB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatSize(bytes)).toBe(text));

  it.each([
    [0, 'Less than a second'],
    [1000, '1 second'],
    [59_000, '59 seconds'],
    [60_000, 'About a minute'],
    [46 * 60_000, '46 minutes'],
    [61 * 60_000, 'About an hour'],
    [47 * 3_600_000, '47 hours'],
    [13 * 86_400_000, '13 days'],
    [15 * 86_400_000, '2 weeks'],
    [70 * 86_400_000, '2 months'],
    [800 * 86_400_000, '2 years'],
  ])("tells the age of %d ms as docker's %s", (age, text) => expect(formatAge(age)).toBe(text));

  it.each([
    [0, '0.0s'],
    [340, '0.3s'],
    [59_940, '59.9s'],
    [125_000, '2m 05s'],
  ])('tells a duration of %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('shortens an id to twelve digits', () => {
    expect(shortId(`sha256:${'0123456789abcdef'.repeat(4)}`)).toBe('0123456789ab');
  });
});
