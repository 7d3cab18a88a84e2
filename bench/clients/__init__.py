"""The programs that this project's own is compared with, each as people would write it."""
