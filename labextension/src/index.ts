/**
 * The JupyterLab half of modelyard. One plugin adds the commands and their two side panels; the toolbar buttons and
 * the menu entries are schema (schema/plugin.json), so that users can move or hide them. Another adds the status bar.
 */
import { ILabShell, JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ReactWidget } from '@jupyterlab/ui-components';
import * as React from 'react';

import { addCommands, COMMAND_CATEGORY, CommandIDs } from './commands';
import { RunPanel } from './components/RunPanel';
import { SavePanel } from './components/SavePanel';
import { StatusItem } from './components/StatusItem';
import { Documents } from './documents';
import { runIcon, saveIcon } from './icons';
import { SidePanel } from './panel';
import { Platform } from './platform';
import { Requests } from './request';
import { Status, Version } from './types';

const panelsPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelyard:plugin',
  description: 'Save Model and Run Training',
  autoStart: true,
  requires: [ILabShell],
  // The settings registry is what reads this plugin's schema, with the toolbar buttons and menu entries.
  optional: [ICommandPalette, ISettingRegistry],
  activate: activatePanels
};

const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'modelyard:status',
  description: 'Hardware and price of this environment in the status bar',
  autoStart: true,
  requires: [IStatusBar],
  activate: activateStatus
};

function activatePanels(app: JupyterFrontEnd, shell: ILabShell, palette: ICommandPalette | null): void {
  const platform = new Platform(new Requests(app.serviceManager.serverSettings));
  const documents = new Documents(shell);
  let status: Status | null = null;
  let wanted: { version: Version } | null = null;

  const run = new SidePanel('modelyard-run-panel', 'Run Training', runIcon, ({ visible }) =>
    React.createElement(RunPanel, {
      platform,
      documents,
      dashboardUrl: status?.dashboard_url ?? '',
      hardware: status?.hardware ?? '',
      user: status?.user ?? '',
      visible,
      wanted
    })
  );
  const save = new SidePanel('modelyard-save-panel', 'Save Model', saveIcon, ({ visible }) =>
    React.createElement(SavePanel, {
      platform,
      documents,
      dashboardUrl: status?.dashboard_url ?? '',
      visible,
      onRun: version => {
        wanted = { version };
        run.update();
        shell.activateById(run.id);
      }
    })
  );
  shell.add(save, 'right', { rank: 600 });
  shell.add(run, 'right', { rank: 610 });

  addCommands(app, {
    showSave: () => shell.activateById(save.id),
    showRun: () => shell.activateById(run.id)
  });
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category: COMMAND_CATEGORY });
  }
  platform.readStatus().then(
    answer => {
      status = answer;
      save.update();
      run.update();
    },
    reason => console.warn('modelyard: no status', reason)
  );
}

function activateStatus(app: JupyterFrontEnd, statusBar: IStatusBar): void {
  const platform = new Platform(new Requests(app.serviceManager.serverSettings));
  platform.readStatus().then(
    status => {
      const shown = ReactWidget.create(React.createElement(StatusItem, { status }));
      shown.id = 'modelyard-status';
      statusBar.registerStatusItem('modelyard:status', { item: shown, align: 'right', rank: 900 });
    },
    () => undefined // the panels' plugin has said so
  );
}

export default [panelsPlugin, statusPlugin];
