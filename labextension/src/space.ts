/**
 * The Run Training form as data: for each parameter one value, a list or a range; together the space of a sweep.
 */
import { Parameter, Space, Value, Version } from './types';
import { BadValue, checkValue, parseList, parseValue, showValue } from './values';

export type Mode = 'value' | 'list' | 'range';

/** What the user typed for one parameter. All three modes keep their text, so that switching loses nothing. */
export interface Choice {
  mode: Mode;
  value: string;
  list: string;
  start: string;
  stop: string;
  step: string;
}

export type Choices = Record<string, Choice>;

export const MAX_RUNS = 100_000;

export function firstChoices(version: Version): Choices {
  return Object.fromEntries(version.parameters.map(parameter => [parameter.name, firstChoice(parameter)]));
}

function firstChoice(parameter: Parameter): Choice {
  const text = showValue(parameter.default);
  const step = parameter.kind === 'integer' ? '1' : '0.1';
  return { mode: 'value', value: text, list: text, start: text, stop: text, step };
}

export interface Read {
  space: Space;
  /** By parameter name, a sentence for each field that can't be read. */
  problems: Record<string, string>;
  isSweep: boolean;
}

export function readSpace(parameters: Parameter[], choices: Choices): Read {
  const space: Space = { fixed: {}, grid: {}, points: [] };
  const problems: Record<string, string> = {};
  for (const parameter of parameters) {
    const choice = choices[parameter.name];
    try {
      if (choice.mode === 'value') {
        readFixed(parameter, choice, space.fixed);
      } else {
        const values = choice.mode === 'list' ? readList(parameter, choice) : readRange(parameter, choice);
        space.grid[parameter.name] = values.map(value => checkValue(parameter, value));
      }
    } catch (reason) {
      if (!(reason instanceof BadValue)) {
        throw reason;
      }
      problems[parameter.name] = reason.message;
    }
  }
  return { space, problems, isSweep: Object.keys(space.grid).length > 0 };
}

/** A value that is the default is not sent: the version already says it. */
function readFixed(parameter: Parameter, choice: Choice, fixed: Record<string, Value>): void {
  if (choice.value === showValue(parameter.default) && !(parameter.required && parameter.default === null)) {
    return;
  }
  if (choice.value === '' && parameter.required) {
    throw new BadValue('This parameter needs a value.');
  }
  fixed[parameter.name] = checkValue(parameter, parseValue(parameter.kind, choice.value));
}

function readList(parameter: Parameter, choice: Choice): Value[] {
  const values = parseList(parameter.kind, choice.list);
  if (values.length === 0) {
    throw new BadValue('Give at least one value, separated by commas.');
  }
  return values;
}

/** `start`, `start + step`, … up to and including `stop`, as in modelyard.core.sweep.expand_range. */
function readRange(parameter: Parameter, choice: Choice): number[] {
  const [start, stop, step] = [choice.start, choice.stop, choice.step].map(
    text => parseValue(parameter.kind, text) as number
  );
  if (step === 0) {
    throw new BadValue('The step must not be zero.');
  }
  const count = Math.floor((stop - start) / step + 1e-9) + 1;
  if (count < 1) {
    throw new BadValue('The range is empty: its step leads away from its end.');
  }
  if (count > MAX_RUNS) {
    throw new BadValue(`This range has ${count.toLocaleString('en')} values; the limit is 100,000.`);
  }
  return Array.from({ length: count }, (_, i) => Number((start + i * step).toPrecision(12)));
}
