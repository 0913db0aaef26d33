using Xunit.Sdk;

namespace Conductor.Samples.Tests;

public sealed class ReadmeTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/guide.md")]
    public void Blocks_OfADocument_EqualCompiledCode(string document)
    {
        var text = File.ReadAllText(Path.Combine(BuildOutput.RepositoryRoot, document));

        ReadmeCode.Find(text).Should().HaveCount(ReadmeCode.Count(text), "every block says what it shows");
        foreach (var block in ReadmeCode.Find(text))
        {
            block.ShouldEqualItsFile(BuildOutput.RepositoryRoot);
        }
    }

    [Fact]
    public void Find_OnlyBlocksThatNameAFile()
    {
        const string markdown = """
            ```csharp
            var unnamed = 1;
            ```
            ```csharp
            // file: a/b.cs
            var named = 1;

            var more = 2;
            ```
            ```shell
            // file: c.sh
            ```
            """;

        ReadmeCode.Find(markdown).Should().Equal(new ReadmeCode { Path = "a/b.cs", Text = "var named = 1;\n\nvar more = 2;" });
    }

    [Theory]
    [InlineData("samples/HelloAgent/Missing.cs")]
    [InlineData("samples/HelloAgent/Program.cs")]
    public void ShouldEqualItsFile_MissingFileOrOtherText_Fails(string path)
    {
        var block = new ReadmeCode { Path = path, Text = "var other = 1;" };

        block.Invoking(static other => other.ShouldEqualItsFile(BuildOutput.RepositoryRoot)).Should().Throw<XunitException>().WithMessage($"*{path}*");
    }
}
