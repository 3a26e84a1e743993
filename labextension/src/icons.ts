import { LabIcon } from '@jupyterlab/ui-components';

/** A box: the saved container. Drawn in the colour of the text around it. */
export const saveIcon = new LabIcon({
  name: 'modelyard:save',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="yard-icon" fill="none" stroke="#616161" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round">
  <path d="M12 3l8 4v10l-8 4-8-4V7z"/><path d="M4 7l8 4 8-4M12 11v10"/></g></svg>`
});

/** One start, three runs. */
export const runIcon = new LabIcon({
  name: 'modelyard:run',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" width="16">
  <g class="yard-icon" fill="none" stroke="#616161" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round">
  <circle cx="5" cy="12" r="2"/><path d="M7 12h11M7 12l8-7h3M7 12l8 7h3"/><path d="M17 3l3 2-3 2M17 10l3 2-3 2M17 17l3 2-3 2"/>
  </g></svg>`
});
