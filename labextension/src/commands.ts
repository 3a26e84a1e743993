import { JupyterFrontEnd } from '@jupyterlab/application';

import { runIcon, saveIcon } from './icons';

/**
 * The commands only show a panel. They never save or run by themselves: an untrusted notebook's output can hold a
 * link that executes a command with arguments of its choice.
 */
export const CommandIDs = {
  saveModel: 'modelyard:save-model',
  runTraining: 'modelyard:run-training'
} as const;

export const COMMAND_CATEGORY = 'modelyard';

export interface Panels {
  showSave(): void;
  showRun(): void;
}

export function addCommands(app: JupyterFrontEnd, panels: Panels): void {
  app.commands.addCommand(CommandIDs.saveModel, {
    label: 'Save Model',
    caption: 'Save code, packages and base as a versioned container image',
    icon: saveIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => panels.showSave()
  });
  app.commands.addCommand(CommandIDs.runTraining, {
    label: 'Run Training',
    caption: 'Start one run or a sweep of a saved version',
    icon: runIcon,
    describedBy: { args: { type: 'object', properties: {} } },
    execute: () => panels.showRun()
  });
}
