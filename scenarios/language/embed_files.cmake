# cmake -DROOT=dir -DFILES=a;b -DOUTPUT=file.cc -P embed_files.cmake: a C++ file that holds the texts of FILES,
# named by their paths within ROOT.
separate_arguments(FILES)
list(SORT FILES)
set(text "#include \"scenarios/language/builtin_files.h\"\n\nnamespace pinhole::scenarios {\n\n")
string(APPEND text "std::span<const BuiltinFile> BuiltinFiles() {\n  static constexpr BuiltinFile kFiles[] = {\n")
foreach(path IN LISTS FILES)
  file(READ "${ROOT}/${path}" content)
  string(APPEND text "{\"${path}\", R\"textproto(${content})textproto\"},\n")
endforeach()
string(APPEND text "  };\n  return kFiles;\n}\n\n}  // namespace pinhole::scenarios\n")
file(WRITE "${OUTPUT}" "${text}")
