@echo off
rem Saves the files of a Windows that is about to be replaced. In that Windows (as administrator), or from Windows PE.
rem
rem   save-user-files.cmd USMT STORE [WINDOWS]
rem
rem   USMT     folder of the User State Migration Tool with scanstate.exe (of the deployment kit, by architecture)
rem   STORE    an empty folder on another disk or share; the files lie there until they are restored
rem   WINDOWS  from Windows PE: the old Windows folder, for example C:\Windows
setlocal EnableExtensions DisableDelayedExpansion
set "USMT=%~1"
set "STORE=%~2"
set "OLD=%~3"
if "%~2"=="" call :say "usage: save-user-files.cmd USMT STORE [WINDOWS]" & goto failed
if not exist "%USMT%\scanstate.exe" call :say "scanstate.exe is not in the folder USMT: install the deployment kit's User State Migration Tool" & goto failed
for %%R in (MigDocs.xml MigApp.xml) do if not exist "%USMT%\%%R" call :say "%%R is not in the folder USMT" & goto failed
if exist "%STORE%\USMT\USMT.MIG" call :say "the store holds files already: choose another folder" & goto failed
if defined OLD if not exist "%OLD%\System32\config\SOFTWARE" call :say "WINDOWS is no Windows folder" & goto failed
if not exist "%STORE%" md "%STORE%"
if not exist "%STORE%" call :say "the store can't be made" & goto failed
set "OFFLINE="
if defined OLD set OFFLINE=/offlineWinDir:"%OLD%"
"%USMT%\scanstate.exe" "%STORE%" /i:"%USMT%\MigDocs.xml" /i:"%USMT%\MigApp.xml" /c /localonly /v:5 /l:"%STORE%\save.log" %OFFLINE%
if errorlevel 1 call :say "scanstate failed: see save.log in the store. DO NOT WIPE THE DISK." & goto failed
if not exist "%STORE%\USMT\USMT.MIG" call :say "the store is empty. DO NOT WIPE THE DISK." & goto failed
if exist "%USMT%\usmtutils.exe" "%USMT%\usmtutils.exe" /verify "%STORE%\USMT\USMT.MIG" || (call :say "the store is damaged. DO NOT WIPE THE DISK." & goto failed)
call :say "saved: keep the store until its user has seen the files"
endlocal
exit /b 0
:failed
endlocal
exit /b 1
:say
echo save-user-files: %~1
exit /b 0
