/** Numbers as people read them. */

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function formatSeconds(seconds: number): string {
  if (seconds < 10) {
    return `${seconds.toFixed(1)} s`;
  }
  if (seconds < 90) {
    return `${Math.round(seconds)} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Two digits that count: $1.25, $0.013, $0.00042. */
export function formatMoney(amount: number): string {
  if (amount === 0) {
    return '$0';
  }
  if (amount >= 0.1) {
    return `$${amount.toFixed(2)}`;
  }
  const digits = Math.min(8, 1 - Math.floor(Math.log10(amount)));
  return `$${amount.toFixed(digits).replace(/0+$/, '').padEnd(4, '0')}`;
}

export function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

export function plural(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

export function shortDigest(digest: string): string {
  return digest.replace('sha256:', '').slice(0, 12);
}
