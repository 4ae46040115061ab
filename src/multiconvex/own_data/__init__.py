"""Data of your own: read a file, look for what would spoil a fit, choose a rank, report the result.

The public names are importable from ``multiconvex`` itself. The pages under
:doc:`/front/own_data` use them from the file to the report.
"""
