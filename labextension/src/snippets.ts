/**
 * The form as commands: what Copy as CLI and Copy as Python put on the clipboard. They do exactly what Run would.
 */
import { Space, Value } from './types';

export interface Launch {
  model: string;
  owner: string;
  version: number;
  space: Space;
  hardware: string;
  parallelism: number;
  timeoutSeconds: number | null;
}

export function isSweep(launch: Launch): boolean {
  return Object.keys(launch.space.grid).length > 0;
}

/** `user` is who is logged in: another owner's model is named with its owner. */
export function asCli(launch: Launch, user: string): string {
  const words = [
    'modelyard',
    isSweep(launch) ? 'sweep' : 'run',
    modelName(launch, user),
    '--version',
    String(launch.version)
  ];
  for (const [name, values] of Object.entries(launch.space.grid)) {
    words.push('--sweep', `${name}=${sweepText(values)}`);
  }
  for (const [name, value] of Object.entries(launch.space.fixed)) {
    words.push('--param', `${name}=${plainText(value)}`);
  }
  words.push('--hardware', launch.hardware);
  if (isSweep(launch)) {
    words.push('--parallelism', String(launch.parallelism), '--yes');
  }
  if (launch.timeoutSeconds !== null) {
    words.push('--timeout', String(launch.timeoutSeconds));
  }
  return words.map(shellQuote).join(' ');
}

export function asPython(launch: Launch, user: string): string {
  const call = isSweep(launch) ? 'sweep' : 'submit_run';
  const lines = [`        ${python(modelName(launch, user))},`, `        version=${launch.version},`];
  if (isSweep(launch)) {
    lines.push(`        grid=${python(launch.space.grid)},`);
    lines.push(`        fixed=${python(launch.space.fixed)},`);
    lines.push(`        parallelism=${launch.parallelism},`);
  } else {
    lines.push(`        parameters=${python(launch.space.fixed)},`);
  }
  lines.push(`        hardware=${python(launch.hardware)},`);
  if (launch.timeoutSeconds !== null) {
    lines.push(`        timeout_seconds=${launch.timeoutSeconds},`);
  }
  const result = isSweep(launch) ? 'sweep' : 'run';
  return `from modelyard.client import Client\n\nwith Client() as yard:\n    ${result} = yard.${call}(\n${lines.join('\n')}\n    )\n    print(yard.wait(${result}))\n`;
}

function modelName(launch: Launch, user: string): string {
  return launch.owner === user || user === '' ? launch.model : `${launch.owner}/${launch.model}`;
}

/** “a,b,c”, or a JSON list where a value has a comma or is no plain value. */
function sweepText(values: Value[]): string {
  const texts = values.map(plainText);
  const plain = values.every((value, i) => typeof value !== 'object' && !/[,[]|^\s|\s$/.test(texts[i]));
  return plain ? texts.join(',') : JSON.stringify(values);
}

function plainText(value: Value): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`;
}

/** A JSON value as a Python literal. */
function python(value: Value | Record<string, Value[]>): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  if (Array.isArray(value)) {
    return `[${value.map(python).join(', ')}]`;
  }
  if (typeof value === 'object') {
    const items = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${python(item)}`);
    return `{${items.join(', ')}}`;
  }
  return JSON.stringify(value);
}
