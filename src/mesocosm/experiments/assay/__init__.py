"""The door of the assays, which every ecology shares: `mesocosm.ecology.assay`."""
