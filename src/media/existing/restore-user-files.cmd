@echo off
rem Brings saved files to a machine that is ready. In the new Windows, as administrator.
rem
rem   restore-user-files.cmd USMT STORE accounts
rem   restore-user-files.cmd USMT STORE FOLDER
rem
rem   USMT      folder of the User State Migration Tool
rem   STORE     the folder that save-user-files.cmd filled
rem   accounts  restores into accounts of the same names (local or domain accounts)
rem   FOLDER    lays the files into this folder: for people who sign in with a directory account, which loadstate
rem             does not know
setlocal EnableExtensions DisableDelayedExpansion
set "USMT=%~1"
set "STORE=%~2"
set "WHERE=%~3"
if "%~3"=="" call :say "usage: restore-user-files.cmd USMT STORE accounts|FOLDER" & goto failed
if not exist "%STORE%\USMT\USMT.MIG" call :say "there is no store in the folder STORE" & goto failed
if /i not "%WHERE%"=="accounts" goto extract
if not exist "%USMT%\loadstate.exe" call :say "loadstate.exe is not in the folder USMT: install the deployment kit's User State Migration Tool" & goto failed
for %%R in (MigDocs.xml MigApp.xml) do if not exist "%USMT%\%%R" call :say "%%R is not in the folder USMT" & goto failed
"%USMT%\loadstate.exe" "%STORE%" /i:"%USMT%\MigDocs.xml" /i:"%USMT%\MigApp.xml" /c /v:5 /l:"%STORE%\restore.log"
if errorlevel 1 call :say "loadstate failed: see restore.log in the store; the store stays as it is" & goto failed
goto done
:extract
if not exist "%USMT%\usmtutils.exe" call :say "usmtutils.exe is not in the folder USMT" & goto failed
if not exist "%WHERE%" md "%WHERE%"
if not exist "%WHERE%" call :say "FOLDER can't be made" & goto failed
"%USMT%\usmtutils.exe" /extract "%STORE%\USMT\USMT.MIG" "%WHERE%" /l:"%STORE%\restore.log"
if errorlevel 1 call :say "usmtutils failed: see restore.log in the store; the store stays as it is" & goto failed
:done
call :say "restored: the store stays as it is, delete it when its user has seen the files"
endlocal
exit /b 0
:failed
endlocal
exit /b 1
:say
echo restore-user-files: %~1
exit /b 0
